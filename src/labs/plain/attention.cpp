#include <algorithm>
#include <cmath>
#include <limits>

#include "tensor/tensor.h"

// One head of one sequence by plain loops: what layers/attention/dense.cpp says in products of all heads at once.
namespace vitrine::inline VITRINE_PRECISION {

// S = Q Kᵀ / √d,   P = softmax(S), row by row,   O = P V.              Q, K, V, O [T,d], P [T,T]
void attention_forward(Tensor O, Tensor P, Tensor Q, Tensor K, Tensor V) {
  // lab attention: about 18 lines
  const int64_t T = Q.rows, d = Q.cols;
  const Real scale = 1 / std::sqrt(Real(d));
  for (int64_t i = 0; i < T; ++i) {
    Real *p = P.row(i), *o = O.row(i);
    Real m = -std::numeric_limits<Real>::infinity(), sum = 0;
    for (int64_t j = 0; j < T; ++j) {
      Real s = 0;
      for (int64_t c = 0; c < d; ++c) s += Q.row(i)[c] * K.row(j)[c];
      p[j] = scale * s;
      m = std::max(m, p[j]);
    }
    for (int64_t j = 0; j < T; ++j) sum += p[j] = std::exp(p[j] - m);
    for (int64_t j = 0; j < T; ++j) p[j] /= sum;
    std::fill_n(o, d, Real{0});
    for (int64_t j = 0; j < T; ++j)
      for (int64_t c = 0; c < d; ++c) o[c] += p[j] * V.row(j)[c];
  }
  // lab: end
}

// dV = Pᵀ dO,   dP = dO Vᵀ,   dS = P ⊙ (dP − rowsum(dP ⊙ P)),   dQ = dS K / √d,   dK = dSᵀ Q / √d.       (layers/attention/dense.md)
// rowsum(dP ⊙ P) of row i is Σ_j P_ij (dO_i · V_j): dP need not be stored.
void attention_backward(Tensor dQ, Tensor dK, Tensor dV, Tensor dO, Tensor P, Tensor Q, Tensor K, Tensor V) {
  // lab attention: about 22 lines
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
    for (int64_t j = 0; j < T; ++j) rowsum += dP(i, j) * p[j];
    for (int64_t j = 0; j < T; ++j) {
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
