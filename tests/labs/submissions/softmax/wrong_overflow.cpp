// expect: the maximum is not subtracted
#include "lab.h"
void softmax_forward(Tensor P, Tensor S) {
  double z;
  for (int64_t i = 0; i < S.rows; ++i, z = 0) {
    z = 0;
    for (int64_t j = S.cols - 1; j >= 0; --j) z += std::exp(S.row(i)[j]);
    for (int64_t j = 0; j < S.cols; ++j) P.row(i)[j] = std::exp(S.row(i)[j]) / z;
  }
}
void softmax_backward(Tensor dS, Tensor dP, Tensor P) {
  for (int64_t i = 0; i < P.rows; ++i) {
    double inner = 0;
    for (int64_t j = 0; j < P.cols; ++j) inner += P.row(i)[j] * dP.row(i)[j];
    for (int64_t j = 0; j < P.cols; ++j) dS.row(i)[j] = P.row(i)[j] * (dP.row(i)[j] - inner);
  }
}
