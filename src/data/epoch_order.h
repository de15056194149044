#pragma once
#include <cstdint>
#include <vector>

#include "base/rng.h"

namespace vitrine {

// In which order an epoch takes n sequences: a permutation of 0 … n − 1, drawn by `rng`. Up to kStored of them it is a list, shuffled as
// Fisher and Yates do, and every order is as likely. Of more, whose list would take more memory than it is worth, each place is
// computed: four rounds of a Feistel network over the bits of the place, repeated until it gives a number below n (Black and Rogaway
// 2002, §4 and §5). No memory, no time at the start of an epoch.
class EpochOrder {
 public:
  static constexpr int64_t kStored = int64_t{1} << 22;

  void draw(int64_t n, RngKey rng);  // n < 2^32
  uint32_t operator[](int64_t i) const { return n_ <= kStored ? list_[i] : compute(static_cast<uint32_t>(i)); }
  int64_t size() const { return n_; }

 private:
  uint32_t compute(uint32_t i) const;

  int64_t n_ = 0;
  RngKey rng_;
  std::vector<uint32_t> list_;
  uint32_t half_bits_ = 0;
};

}  // namespace vitrine
