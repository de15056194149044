#pragma once
#include <type_traits>

#include "backend/backend.h"
#include "backend/ops/vector_math.h"

namespace vitrine::inline VITRINE_PRECISION {

// f(x) and f'(x), once, for the processor and for CUDA:
//   gelu        x Φ(x)                                       Φ(x) + x φ(x)                     (Hendrycks and Gimpel 2016)
//   gelu_tanh   x ½(1 + tanh u) = x σ(2u)                    σ(2u) + x σ(2u)(1 − σ(2u)) 2u',   u = √(2/π) (x + 0.044715 x³)
//   relu        max(x, 0)                                    1 if x > 0, else 0
//   silu        x σ(x)                                       σ(x) + x σ(x)(1 − σ(x))
//   tanh        tanh x                                       1 − tanh² x
//   sigmoid     σ(x)                                         σ(x)(1 − σ(x))
struct ValueAndSlope {
  Real value, slope;
};

template <Activation f>
VITRINE_HOST_DEVICE inline ValueAndSlope activate(Real x) {
  if constexpr (f == Activation::kGelu) {
    const Normal<Real> n = vnormal(x);
    return {x * n.cumulative, n.cumulative + x * n.density};
  }
  if constexpr (f == Activation::kGeluTanh) {
    constexpr Real k = Real(1.5957691216057308), c = Real(0.044715);  // 2√(2/π)
    const Real s = vsigmoid(k * (x + c * x * x * x));
    return {x * s, s + x * (s * (1 - s)) * (k * (1 + 3 * c * x * x))};
  }
  if constexpr (f == Activation::kRelu) return {x < 0 ? Real(0) : x, x > 0 ? Real(1) : Real(0)};
  if constexpr (f == Activation::kSilu) {
    const Real s = vsigmoid(x);
    return {x * s, s + x * (s * (1 - s))};
  }
  if constexpr (f == Activation::kTanh) {
    const Real t = vtanh(x);
    return {t, 1 - t * t};
  }
  if constexpr (f == Activation::kSigmoid) {
    const Real s = vsigmoid(x);
    return {s, s * (1 - s)};
  }
}

// Calls body with the activation as a constant, so that loops inside know their function.
template <class Body>
void with_activation(Activation f, Body body) {
  switch (f) {
    case Activation::kGelu: return body(std::integral_constant<Activation, Activation::kGelu>{});
    case Activation::kGeluTanh: return body(std::integral_constant<Activation, Activation::kGeluTanh>{});
    case Activation::kRelu: return body(std::integral_constant<Activation, Activation::kRelu>{});
    case Activation::kSilu: return body(std::integral_constant<Activation, Activation::kSilu>{});
    case Activation::kTanh: return body(std::integral_constant<Activation, Activation::kTanh>{});
    case Activation::kSigmoid: return body(std::integral_constant<Activation, Activation::kSigmoid>{});
  }
}

}  // namespace vitrine::inline VITRINE_PRECISION
