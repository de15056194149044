#pragma once
#include "backend/ops/vector_math.h"

namespace vitrine::inline VITRINE_PRECISION {

// e^t of α-entmax (Tsallis 1988): exp_α(t) = [1 + ε t]₊^(1/ε), ε = α − 1, which is eᵗ for ε → 0; and its slope exp_α(t)^(1 − ε) = p^(2 − α).
// One form for each α that has a simple one. `of(t)` gives both; `slope(p)` gives the slope from the value.
struct ExpValue {
  Real p, u;
};

struct LinearExp {  // α = 2: sparsemax
  VITRINE_HOST_DEVICE ExpValue of(Real t) const { return {1 + t <= 0 ? 0 : 1 + t, 1 + t <= 0 ? Real{0} : Real{1}}; }
  VITRINE_HOST_DEVICE Real slope(Real p) const { return p > 0 ? Real{1} : Real{0}; }
};

struct SquareExp {  // α = 1.5
  VITRINE_HOST_DEVICE ExpValue of(Real t) const {
    const Real x = 1 + t / 2 <= 0 ? 0 : 1 + t / 2;
    return {x * x, x};
  }
  VITRINE_HOST_DEVICE Real slope(Real p) const { return std::sqrt(p); }
};

struct GeneralExp {  // 1 < α < 2;  ln(1 + y) = ln w − ((w − 1) − y)/w with the rounded w = 1 + y, so that α may be close to 1
  Real epsilon;
  VITRINE_HOST_DEVICE ExpValue of(Real t) const {
    const Real y = epsilon * t, w = 1 + y, bounded = w <= 0 ? Real{1} : w;
    const Real u = vexp((vlog(bounded) - ((bounded - 1) - y) / bounded) * (1 / epsilon - 1));
    return {w <= 0 ? 0 : u * w, w <= 0 ? 0 : u};
  }
  VITRINE_HOST_DEVICE Real slope(Real p) const { return p > 0 ? vexp((1 - epsilon) * vlog(p)) : 0; }
};

// ε = α − 1, but not so small that rounding is all that is left of (p − ũ)/ε².
constexpr Real epsilon_of(Real alpha) {
  constexpr Real kLeast = sizeof(Real) == 4 ? Real(0x1p-11) : Real(0x1p-25);
  return alpha - 1 < kLeast ? kLeast : alpha - 1;
}

// f(the form of exp_α for this ε)
template <class F>
constexpr void with_form(Real epsilon, F f) {
  if (epsilon == 1) return f(LinearExp{});
  if (epsilon == Real(0.5)) return f(SquareExp{});
  f(GeneralExp{epsilon});
}

// A step of Newton's method for ‖p‖_(1/ε) = 1 in λ, from P = Σ p and U = Σ u.
VITRINE_HOST_DEVICE inline Real newton_step(Real P, Real U, Real epsilon) {
  return Real(-std::expm1(-double(epsilon) * std::log(double(P))) / double(epsilon)) * P / U;
}

}  // namespace vitrine::inline VITRINE_PRECISION
