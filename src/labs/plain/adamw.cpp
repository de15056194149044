#include <cmath>

#include "tensor/tensor.h"

// AdamW as the formulas have it; what the engine runs is backend/ops/optimizer_math.h.
namespace vitrine::inline VITRINE_PRECISION {

// Step number `step`, from 1 on, of every entry of w, whose gradient is g:
//   m ← β₁ m + (1 − β₁) g      v ← β₂ v + (1 − β₂) g²      w ← w − η λ w − η m̂ / (√v̂ + ε),   m̂ = m / (1 − β₁ᵗ),  v̂ = v / (1 − β₂ᵗ)
void adamw(Tensor w, Tensor m, Tensor v, Tensor g, Real learning_rate, Real beta1, Real beta2, Real epsilon, Real weight_decay,
           int64_t step) {
  // lab adamw: about 10 lines
  const Real correction1 = 1 - std::pow(beta1, Real(step)), correction2 = 1 - std::pow(beta2, Real(step));
  for (int64_t i = 0; i < w.rows; ++i) {
    Real *wi = w.row(i), *mi = m.row(i), *vi = v.row(i);
    const Real* gi = g.row(i);
    for (int64_t j = 0; j < w.cols; ++j) {
      mi[j] = beta1 * mi[j] + (1 - beta1) * gi[j];
      vi[j] = beta2 * vi[j] + (1 - beta2) * gi[j] * gi[j];
      const Real update = mi[j] / correction1 / (std::sqrt(vi[j] / correction2) + epsilon);
      wi[j] -= learning_rate * (weight_decay * wi[j] + update);
    }
  }
  // lab: end
}

}  // namespace vitrine::inline VITRINE_PRECISION
