#include <cmath>

#include "backend/cpu_backend.h"

namespace vitrine::inline VITRINE_PRECISION {

// g ← clip · g (+ λ w, Adam)                                       Kingma and Ba 2015; AdamW: Loshchilov and Hutter 2019
// w ← w − η λ w (AdamW)
// m ← β₁ m + (1 − β₁) g      v ← β₂ v + (1 − β₂) g²
// w ← w − η m̂ / (√v̂ + ε),   m̂ = m / (1 − β₁ᵗ),  v̂ = v / (1 − β₂ᵗ)
void CpuBackend::adam(Tensor w, Tensor m, Tensor v, Tensor g, const AdamStep& step) {
  const Real beta1 = step.beta1, beta2 = step.beta2, epsilon = step.epsilon, clip = step.gradient_scale;
  const Real l2 = step.decoupled ? 0 : step.weight_decay, keep = step.decoupled ? 1 - step.learning_rate * step.weight_decay : 1;
  const Real rate = step.learning_rate / step.correction1, root = 1 / std::sqrt(step.correction2);
  for (int64_t i = 0; i < w.rows; ++i) {
    Real *wi = w.row(i), *mi = m.row(i), *vi = v.row(i);
    const Real* gi = g.row(i);
#pragma omp simd
    for (int64_t j = 0; j < w.cols; ++j) {
      const Real gj = clip * gi[j] + l2 * wi[j];
      mi[j] = beta1 * mi[j] + (1 - beta1) * gj;
      vi[j] = beta2 * vi[j] + (1 - beta2) * gj * gj;
      wi[j] = keep * wi[j] - rate * mi[j] / (std::sqrt(vi[j]) * root + epsilon);
    }
  }
}

// g ← clip · g + λ w      u ← μ u + g      w ← w − η u
void CpuBackend::sgd(Tensor w, Tensor u, Tensor g, const SgdStep& step) {
  const Real rate = step.learning_rate, momentum = step.momentum, l2 = step.weight_decay, clip = step.gradient_scale;
  for (int64_t i = 0; i < w.rows; ++i) {
    Real *wi = w.row(i), *ui = u.row(i);
    const Real* gi = g.row(i);
#pragma omp simd
    for (int64_t j = 0; j < w.cols; ++j) {
      ui[j] = momentum * ui[j] + (clip * gi[j] + l2 * wi[j]);
      wi[j] -= rate * ui[j];
    }
  }
}

}  // namespace vitrine::inline VITRINE_PRECISION
