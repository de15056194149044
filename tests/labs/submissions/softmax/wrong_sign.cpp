// expect: the sign is turned round
#include "lab.h"
void softmax_forward(Tensor P, Tensor S) {
  for (int64_t i = 0; i < S.rows; ++i) {
    double top = *std::max_element(S.row(i), S.row(i) + S.cols), z = 0;
    for (int64_t j = 0; j < S.cols; ++j) z += std::exp(S.row(i)[j] - top);
    for (int64_t j = 0; j < S.cols; ++j) P.row(i)[j] = std::exp(S.row(i)[j] - top) / z;
  }
}
void softmax_backward(Tensor dS, Tensor dP, Tensor P) {
  for (int64_t i = 0; i < P.rows; ++i)
    for (int64_t k = 0; k < P.cols; ++k) {
      double g = 0;
      for (int64_t j = 0; j < P.cols; ++j) g += dP.row(i)[j] * P.row(i)[j] * (P.row(i)[k] - (j == k ? 1.0 : 0.0));
      dS.row(i)[k] = g;
    }
}
