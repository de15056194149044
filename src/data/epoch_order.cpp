#include "data/epoch_order.h"

#include <bit>
#include <numeric>
#include <utility>

namespace vitrine {

void EpochOrder::draw(int64_t n, RngKey rng) {
  n_ = n, rng_ = rng;
  half_bits_ = (static_cast<uint32_t>(std::bit_width(static_cast<uint64_t>(n - 1))) + 1) / 2;
  if (n > kStored) return;
  list_.resize(static_cast<size_t>(n));
  std::iota(list_.begin(), list_.end(), 0u);
  Philox4 bits{};
  for (uint32_t i = 0; i + 1 < n; ++i) {
    if (i % 4 == 0) bits = rng.bits(0, i / 4);
    std::swap(list_[i], list_[i + (uint64_t{bits[i % 4]} * (static_cast<uint32_t>(n) - i) >> 32)]);
  }
}

uint32_t EpochOrder::compute(uint32_t i) const {
  const uint32_t half = (1u << half_bits_) - 1;
  do {
    uint32_t left = i >> half_bits_, right = i & half;
    for (uint32_t round = 0; round < 4; ++round) {
      left ^= rng_.bits(round, right)[0] & half;
      std::swap(left, right);
    }
    i = left << half_bits_ | right;
  } while (i >= n_);
  return i;
}

}  // namespace vitrine
