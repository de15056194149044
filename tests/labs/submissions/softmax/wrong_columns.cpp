// expect: columns are normalised
#include "lab.h"
void softmax_forward(Tensor P, Tensor S) {
  for (int64_t j = 0; j < S.cols; ++j) {
    double top = S.row(0)[j], z = 0;
    for (int64_t i = 1; i < S.rows; ++i) top = top < S.row(i)[j] ? S.row(i)[j] : top;
    for (int64_t i = 0; i < S.rows; ++i) P.row(i)[j] = std::exp(S.row(i)[j] - top), z += P.row(i)[j];
    for (int64_t i = 0; i < S.rows; ++i) P.row(i)[j] = P.row(i)[j] / z;
  }
}
void softmax_backward(Tensor dS, Tensor dP, Tensor P) {
  for (int64_t i = 0; i < P.rows; ++i) {
    double inner = 0;
    for (int64_t j = 0; j < P.cols; ++j) inner += P.row(i)[j] * dP.row(i)[j];
    for (int64_t j = 0; j < P.cols; ++j) dS.row(i)[j] = P.row(i)[j] * (dP.row(i)[j] - inner);
  }
}
