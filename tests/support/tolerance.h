#pragma once
#include <type_traits>

#include "tensor/tensor.h"

namespace vitrine::inline VITRINE_PRECISION {

constexpr bool kDouble = std::is_same_v<Real, double>;

// The one tolerance of each precision. What is computed in Real may differ from the same formula in double, computed naively, by this
// share of the largest entry of the result, or of 1 (inputs of tests are about that large): some twenty rounding errors.
constexpr double kTolerance = kDouble ? 1e-13 : 2e-6;

// A gradient a may differ from central differences n, both in double, by  kRelative · max(|a|, |n|) + kOfLargest · G,  where G is the
// largest entry of the gradient (some gradients are 0, but their differences are rounding errors of larger numbers).
constexpr double kRelative = 1e-7, kOfLargest = 1e-9;

}  // namespace vitrine::inline VITRINE_PRECISION
