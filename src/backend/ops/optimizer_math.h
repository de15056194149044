#pragma once
#include <cmath>

#include "backend/backend.h"
#include "backend/ops/vector_math.h"

namespace vitrine::inline VITRINE_PRECISION {

// g ← clip · g (+ λ w, Adam)                                       Kingma and Ba 2015; AdamW: Loshchilov and Hutter 2019
// w ← w − η λ w (AdamW)
// m ← β₁ m + (1 − β₁) g      v ← β₂ v + (1 − β₂) g²
// w ← w − η m̂ / (√v̂ + ε),   m̂ = m / (1 − β₁ᵗ),  v̂ = v / (1 − β₂ᵗ)
struct AdamUpdate {
  Real beta1, beta2, epsilon, clip, l2, keep, rate, root;

  explicit AdamUpdate(const AdamStep& s)
      : beta1(s.beta1),
        beta2(s.beta2),
        epsilon(s.epsilon),
        clip(s.gradient_scale),
        l2(s.decoupled ? 0 : s.weight_decay),
        keep(s.decoupled ? 1 - s.learning_rate * s.weight_decay : 1),
        rate(s.learning_rate / s.correction1),
        root(1 / std::sqrt(s.correction2)) {}

  VITRINE_HOST_DEVICE void operator()(Real& w, Real& m, Real& v, Real g) const {
    const Real gj = clip * g + l2 * w;
    m = beta1 * m + (1 - beta1) * gj;
    v = beta2 * v + (1 - beta2) * gj * gj;
    w = keep * w - rate * m / (std::sqrt(v) * root + epsilon);
  }
};

// g ← clip · g + λ w      u ← μ u + g      w ← w − η u
struct SgdUpdate {
  SgdStep step;

  VITRINE_HOST_DEVICE void operator()(Real& w, Real& u, Real g) const {
    u = step.momentum * u + (step.gradient_scale * g + step.weight_decay * w);
    w -= step.learning_rate * u;
  }
};

}  // namespace vitrine::inline VITRINE_PRECISION
