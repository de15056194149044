#include <algorithm>
#include <cmath>
#include <limits>

#include "backend/cpu_backend.h"
#include "backend/ops/vector_math.h"

namespace vitrine::inline VITRINE_PRECISION {

// lse = m + log Σ_c e^(z_c − m),  m = max z        log p_c = z_c − lse
// loss = −Σ_c a_c log p_c = (1 − s) w_t (lse − z_t) + s/C Σ_c w_c (lse − z_c),   s: smoothing
void CpuBackend::cross_entropy_forward(Tensor losses, Tensor lse, Tensor logits, Indices targets, Tensor class_weights,
                                       Real smoothing) {
  const int64_t C = logits.cols;
  const Real* w = class_weights.data;
  for (int64_t i = 0; i < logits.rows; ++i) {
    const Real* z = logits.row(i);
    const int64_t t = targets.data[i];
    Real m = -std::numeric_limits<Real>::infinity(), sum = 0;
#pragma omp simd reduction(max : m)
    for (int64_t c = 0; c < C; ++c) m = m < z[c] ? z[c] : m;
#pragma omp simd reduction(+ : sum)
    for (int64_t c = 0; c < C; ++c) sum += vexp(z[c] - m);
    const Real L = m + std::log(sum);
    *lse.row(i) = L;
    if (t < 0) {
      *losses.row(i) = 0;
      continue;
    }
    Real loss = (1 - smoothing) * (w ? w[t] : 1) * (L - z[t]);
    if (smoothing > 0) {
      Real all = 0;
#pragma omp simd reduction(+ : all)
      for (int64_t c = 0; c < C; ++c) all += (w ? w[c] : 1) * (L - z[c]);
      loss += smoothing / static_cast<Real>(C) * all;
    }
    *losses.row(i) = loss;
  }
}

// dz = scale · (A p − a),   p_c = e^(z_c − lse),   a_c = w_c ((1 − s) [c = t] + s/C),   A = Σ_c a_c     (cross_entropy.md)
void CpuBackend::cross_entropy_backward(Tensor dlogits, Tensor logits, Tensor lse, Indices targets, Tensor class_weights,
                                        Real smoothing, Real scale) {
  const int64_t C = logits.cols;
  const Real *w = class_weights.data, share = smoothing / static_cast<Real>(C);
  Real weights = static_cast<Real>(C);
  if (w && smoothing > 0) {
    weights = 0;
    for (int64_t c = 0; c < C; ++c) weights += w[c];
  }
  for (int64_t i = 0; i < logits.rows; ++i) {
    const Real *z = logits.row(i), L = *lse.row(i);
    Real* dz = dlogits.row(i);
    const int64_t t = targets.data[i];
    if (t < 0) {
      std::fill_n(dz, C, Real{0});
      continue;
    }
    const Real hit = (1 - smoothing) * (w ? w[t] : 1), A = scale * (hit + share * weights);
#pragma omp simd
    for (int64_t c = 0; c < C; ++c) dz[c] = A * vexp(z[c] - L);
    if (smoothing > 0) {
#pragma omp simd
      for (int64_t c = 0; c < C; ++c) dz[c] -= scale * share * (w ? w[c] : 1);
    }
    dz[t] -= scale * hit;
  }
}

}  // namespace vitrine::inline VITRINE_PRECISION
