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

}  // namespace vitrine::inline VITRINE_PRECISION
