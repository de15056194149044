#include <cmath>

#include "backend/cpu_backend.h"

namespace vitrine::inline VITRINE_PRECISION {

// Of each row:  r = 1/√(mean(x²) + ε),  y = γ ⊙ x r                                     (Zhang and Sennrich 2019)
void CpuBackend::rms_norm_forward(Tensor y, Tensor rstd, Tensor x, Tensor gamma, Real epsilon) {
  const int64_t D = x.cols;
  const Real* g = gamma.data;
  for (int64_t i = 0; i < x.rows; ++i) {
    const Real* xi = x.row(i);
    Real* yi = y.row(i);
    Real squares = 0;
#pragma omp simd reduction(+ : squares)
    for (int64_t j = 0; j < D; ++j) squares += xi[j] * xi[j];
    const Real r = 1 / std::sqrt(squares / static_cast<Real>(D) + epsilon);
#pragma omp simd
    for (int64_t j = 0; j < D; ++j) yi[j] = g[j] * (xi[j] * r);
    *rstd.row(i) = r;
  }
}

// g = γ ⊙ dy,  x̂ = x r:   dx = r (g − x̂ mean(g ⊙ x̂))   dγ += Σ_rows dy ⊙ x̂
void CpuBackend::rms_norm_backward(Tensor dx, Tensor dgamma, Tensor dy, Tensor x, Tensor rstd, Tensor gamma) {
  const int64_t D = x.cols;
  const Real* g = gamma.data;
  Real* dg = dgamma.data;
  for (int64_t i = 0; i < x.rows; ++i) {
    const Real *xi = x.row(i), *dyi = dy.row(i), r = *rstd.row(i);
    Real* dxi = dx.row(i);
    Real sum_gx = 0;
#pragma omp simd reduction(+ : sum_gx)
    for (int64_t j = 0; j < D; ++j) {
      const Real xhat = xi[j] * r;
      sum_gx += g[j] * dyi[j] * xhat;
      dg[j] += dyi[j] * xhat;
    }
    const Real mean_gx = sum_gx / static_cast<Real>(D);
#pragma omp simd
    for (int64_t j = 0; j < D; ++j) dxi[j] = r * (g[j] * dyi[j] - xi[j] * r * mean_gx);
  }
}

}  // namespace vitrine::inline VITRINE_PRECISION
