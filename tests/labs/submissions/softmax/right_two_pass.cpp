// expect: right
#include "lab.h"
void softmax_forward(Tensor P, Tensor S) {
  for (int64_t i = 0; i < S.rows; ++i) {
    double top = S.row(i)[0], z = 0;
    for (int64_t j = 1; j < S.cols; ++j) top = std::fmax(top, S.row(i)[j]);
    for (int64_t j = S.cols - 1; j >= 0; --j) z += std::exp(S.row(i)[j] - top);
    for (int64_t j = 0; j < S.cols; ++j) P.row(i)[j] = std::exp(S.row(i)[j] - top - std::log(z));
  }
}
void softmax_backward(Tensor dS, Tensor dP, Tensor P) {
  for (int64_t i = 0; i < P.rows; ++i) {
    double t = 0;
    for (int64_t j = 0; j < P.cols; ++j) t += dS.row(i)[j] = P.row(i)[j] * dP.row(i)[j];
    for (int64_t j = 0; j < P.cols; ++j) dS.row(i)[j] -= P.row(i)[j] * t;
  }
}
