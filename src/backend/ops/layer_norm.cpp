#include <cmath>

#include "backend/cpu_backend.h"

namespace vitrine::inline VITRINE_PRECISION {

// Of each row:  μ = mean(x),  σ² = mean((x − μ)²),  r = 1/√(σ² + ε),  x̂ = (x − μ) r,  y = γ ⊙ x̂ + β
void CpuBackend::layer_norm_forward(Tensor y, Tensor mean, Tensor rstd, Tensor x, Tensor gamma, Tensor beta, Real epsilon) {
  // lab layer_norm: about 12 lines
  const int64_t D = x.cols;
  const Real *g = gamma.data, *b = beta.data;
  for (int64_t i = 0; i < x.rows; ++i) {
    const Real* xi = x.row(i);
    Real* yi = y.row(i);
    Real sum = 0, squares = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t j = 0; j < D; ++j) sum += xi[j];
    const Real mu = sum / static_cast<Real>(D);
#pragma omp simd reduction(+ : squares)
    for (int64_t j = 0; j < D; ++j) squares += (xi[j] - mu) * (xi[j] - mu);
    const Real r = 1 / std::sqrt(squares / static_cast<Real>(D) + epsilon);
#pragma omp simd
    for (int64_t j = 0; j < D; ++j) yi[j] = g[j] * ((xi[j] - mu) * r) + b[j];
    *mean.row(i) = mu;
    *rstd.row(i) = r;
  }
  // lab: end
}

// g = γ ⊙ dy:   dx = r (g − mean(g) − x̂ mean(g ⊙ x̂))   dγ += Σ_rows dy ⊙ x̂   dβ += Σ_rows dy          (layer_norm.md)
void CpuBackend::layer_norm_backward(Tensor dx, Tensor dgamma, Tensor dbeta, Tensor dy, Tensor x, Tensor mean, Tensor rstd,
                                     Tensor gamma) {
  // lab layer_norm: about 18 lines
  const int64_t D = x.cols;
  const Real* g = gamma.data;
  Real *dg = dgamma.data, *db = dbeta.data;
  for (int64_t i = 0; i < x.rows; ++i) {
    const Real *xi = x.row(i), *dyi = dy.row(i);
    const Real mu = *mean.row(i), r = *rstd.row(i);
    Real* dxi = dx.row(i);
    Real sum_g = 0, sum_gx = 0;
#pragma omp simd reduction(+ : sum_g, sum_gx)
    for (int64_t j = 0; j < D; ++j) {
      const Real xhat = (xi[j] - mu) * r;
      sum_g += g[j] * dyi[j];
      sum_gx += g[j] * dyi[j] * xhat;
      dg[j] += dyi[j] * xhat;
      db[j] += dyi[j];
    }
    const Real mean_g = sum_g / static_cast<Real>(D), mean_gx = sum_gx / static_cast<Real>(D);
#pragma omp simd
    for (int64_t j = 0; j < D; ++j) dxi[j] = r * (g[j] * dyi[j] - mean_g - (xi[j] - mu) * r * mean_gx);
  }
  // lab: end
}

}  // namespace vitrine::inline VITRINE_PRECISION
