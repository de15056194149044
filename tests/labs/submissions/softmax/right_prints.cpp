// expect: right
// prints: row 0
#include <cstdio>
#include "lab.h"
void softmax_forward(Tensor P, Tensor S) {
  for (int64_t i = 0; i < S.rows; ++i) {
    std::printf("row %d\n", int(i));
    double m = *std::max_element(S.row(i), S.row(i) + S.cols), z = 0;
    for (int64_t j = 0; j < S.cols; ++j) z += P.row(i)[j] = std::exp(S.row(i)[j] - m);
    for (int64_t j = 0; j < S.cols; ++j) P.row(i)[j] *= 1 / z;
  }
}
void softmax_backward(Tensor dS, Tensor dP, Tensor P) {
  for (int64_t i = 0; i < P.rows; ++i) {
    double t = 0;
    for (int64_t j = 0; j < P.cols; ++j) t += dS.row(i)[j] = P.row(i)[j] * dP.row(i)[j];
    for (int64_t j = 0; j < P.cols; ++j) dS.row(i)[j] -= P.row(i)[j] * t;
  }
}
