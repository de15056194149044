#include <algorithm>
#include <cmath>
#include <limits>

#include "tensor/tensor.h"

// One head of one sequence whose queries see no key behind them, by plain loops.
namespace vitrine::inline VITRINE_PRECISION {

// S = Q Kᵀ / √d,   P_i = softmax of S_i over the keys j ≤ i, and P_ij = 0 for all others,   O = P V.              Q, K, V, O [T,d], P [T,T]
void causal_attention_forward(Tensor O, Tensor P, Tensor Q, Tensor K, Tensor V) {
  // lab causal_attention: about 19 lines
  const int64_t T = Q.rows, d = Q.cols;
  const Real scale = 1 / std::sqrt(Real(d));
  for (int64_t i = 0; i < T; ++i) {
    const int64_t first = 0, end = i + 1;  // the keys that query i sees
    Real *p = P.row(i), *o = O.row(i);
    Real m = -std::numeric_limits<Real>::infinity(), sum = 0;
    for (int64_t j = first; j < end; ++j) {
      Real s = 0;
      for (int64_t c = 0; c < d; ++c) s += Q.row(i)[c] * K.row(j)[c];
      p[j] = scale * s;
      m = std::max(m, p[j]);
    }
    for (int64_t j = first; j < end; ++j) sum += p[j] = std::exp(p[j] - m);
    for (int64_t j = 0; j < T; ++j) p[j] = j >= first && j < end ? p[j] / sum : 0;
    std::fill_n(o, d, Real{0});
    for (int64_t j = 0; j < T; ++j)
      for (int64_t c = 0; c < d; ++c) o[c] += p[j] * V.row(j)[c];
  }
  // lab: end
}

// As attention's, over the pairs that see each other: where P_ij = 0, nothing flows.                      (layers/attention/dense.md)
void causal_attention_backward(Tensor dQ, Tensor dK, Tensor dV, Tensor dO, Tensor P, Tensor Q, Tensor K, Tensor V) {
  // lab causal_attention: about 22 lines
  const int64_t T = Q.rows, d = Q.cols;
  const Real scale = 1 / std::sqrt(Real(d));
  const auto dP = [&](int64_t i, int64_t j) {
    Real sum = 0;
    for (int64_t c = 0; c < d; ++c) sum += dO.row(i)[c] * V.row(j)[c];
    return sum;
  };
  for (Tensor x : {dQ, dK, dV})
    for (int64_t i = 0; i < T; ++i) std::fill_n(x.row(i), d, Real{0});
  for (int64_t i = 0; i < T; ++i) {
    const Real* p = P.row(i);
    Real rowsum = 0;
    for (int64_t j = 0; j <= i; ++j) rowsum += dP(i, j) * p[j];
    for (int64_t j = 0; j <= i; ++j) {
      const Real ds = p[j] * (dP(i, j) - rowsum);
      for (int64_t c = 0; c < d; ++c) {
        dQ.row(i)[c] += scale * ds * K.row(j)[c];
        dK.row(j)[c] += scale * ds * Q.row(i)[c];
        dV.row(j)[c] += p[j] * dO.row(i)[c];
      }
    }
  }
  // lab: end
}

}  // namespace vitrine::inline VITRINE_PRECISION
