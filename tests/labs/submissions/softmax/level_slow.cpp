// expect: level cost: softmax_backward at T = 64, U = 64: your code takes
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
  for (int64_t i = 0; i < P.rows; ++i)
    for (int64_t k = 0; k < P.cols; ++k) {
      double sum = 0;
      for (int64_t j = 0; j < P.cols; ++j) sum += dP.row(i)[j] * P.row(i)[j] * ((j == k) - P.row(i)[k]);
      dS.row(i)[k] = sum;
    }
}
