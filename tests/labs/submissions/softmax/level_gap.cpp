// expect: level contract: softmax_backward writes outside of its matrices
#include "lab.h"
void softmax_forward(Tensor P, Tensor S) {
  for (int64_t i = 0; i < S.rows; ++i) {
    double top = *std::max_element(S.row(i), S.row(i) + S.cols), z = 0;
    for (int64_t j = 0; j < S.cols; ++j) z += std::exp(S.row(i)[j] - top);
    for (int64_t j = 0; j < S.cols; ++j) P.row(i)[j] = std::exp(S.row(i)[j] - top) / z;
  }
}
void softmax_backward(Tensor dS, Tensor dP, Tensor P) {
  for (int64_t i = 0; i < P.rows; ++i) {
    double inner = 0;
    for (int64_t j = 0; j < P.cols; ++j) inner += P.row(i)[j] * dP.row(i)[j];
    for (int64_t j = 0; j <= P.cols; ++j) dS.row(i)[j] = j < P.cols ? P.row(i)[j] * (dP.row(i)[j] - inner) : 0;
  }
}
