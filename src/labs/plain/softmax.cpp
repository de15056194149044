#include <algorithm>
#include <cmath>

#include "tensor/tensor.h"

// Softmax without what makes the primitive in backend/ops/softmax.cpp fast and general (patterns, tiles, whole vectors).
namespace vitrine::inline VITRINE_PRECISION {

// Each row of P is the softmax of that row of S:  p_j = e^(s_j − m) / Σ_k e^(s_k − m),  m = max s.
void softmax_forward(Tensor P, Tensor S) {
  // lab softmax: about 8 lines
  for (int64_t i = 0; i < S.rows; ++i) {
    const Real* s = S.row(i);
    Real* p = P.row(i);
    const Real m = *std::max_element(s, s + S.cols);
    Real sum = 0;
    for (int64_t j = 0; j < S.cols; ++j) sum += p[j] = std::exp(s[j] - m);
    for (int64_t j = 0; j < S.cols; ++j) p[j] /= sum;
  }
  // lab: end
}

// dS = P ⊙ (dP − rowsum(dP ⊙ P)).                                          (backend/ops/softmax.md)
void softmax_backward(Tensor dS, Tensor dP, Tensor P) {
  // lab softmax: about 7 lines
  for (int64_t i = 0; i < P.rows; ++i) {
    const Real *p = P.row(i), *dp = dP.row(i);
    Real dot = 0;
    for (int64_t j = 0; j < P.cols; ++j) dot += dp[j] * p[j];
    for (int64_t j = 0; j < P.cols; ++j) dS.row(i)[j] = p[j] * (dp[j] - dot);
  }
  // lab: end
}

}  // namespace vitrine::inline VITRINE_PRECISION
