#pragma once
#include <bit>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "tensor/tensor.h"

namespace vitrine::inline VITRINE_PRECISION {

using Ordered = std::conditional_t<sizeof(Real) == 4, int32_t, int64_t>;

// Whole numbers in the order of the reals that they are made of.
constexpr Ordered ordered(Real x) {
  const auto bits = std::bit_cast<Ordered>(x + 0);  // −0 becomes 0
  return bits ^ (bits >> (8 * sizeof(Real) - 1) & std::numeric_limits<Ordered>::max());
}

// The number in the middle of low < high, rounded up.
constexpr Ordered between(Ordered low, Ordered high) {
  using Distance = std::make_unsigned_t<Ordered>;
  return low + static_cast<Ordered>((static_cast<Distance>(high) - static_cast<Distance>(low) + 1) / 2);
}

}  // namespace vitrine::inline VITRINE_PRECISION
