// expect: subtracted behind the exponential
#include "lab.h"
void softmax_forward(Tensor P, Tensor S) {
  for (int64_t i = 0; i < S.rows; ++i) {
    const double m = *std::max_element(S.row(i), S.row(i) + S.cols);
    double z = 0;
    for (int64_t j = 0; j < S.cols; ++j) z += std::exp(S.row(i)[j]) - m;
    for (int64_t j = 0; j < S.cols; ++j) P.row(i)[j] = (std::exp(S.row(i)[j]) - m) / z;
  }
}
void softmax_backward(Tensor dS, Tensor dP, Tensor P) {
  for (int64_t i = 0; i < P.rows; ++i) {
    double inner = 0;
    for (int64_t j = 0; j < P.cols; ++j) inner += P.row(i)[j] * dP.row(i)[j];
    for (int64_t j = 0; j < P.cols; ++j) dS.row(i)[j] = P.row(i)[j] * (dP.row(i)[j] - inner);
  }
}
