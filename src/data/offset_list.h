#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

namespace vitrine {

// Ascending offsets in 4 bytes each, however large they are: the low halves, and where the high half becomes greater.
class OffsetList {
 public:
  void reserve(size_t count) { low_.reserve(count); }
  void push_back(uint64_t offset) {
    while (carries_.size() < offset >> 32) carries_.push_back(size());
    low_.push_back(static_cast<uint32_t>(offset));
  }
  uint64_t operator[](int64_t i) const {
    const auto high = std::upper_bound(carries_.begin(), carries_.end(), i) - carries_.begin();
    return static_cast<uint64_t>(high) << 32 | low_[i];
  }
  int64_t size() const { return static_cast<int64_t>(low_.size()); }

 private:
  std::vector<uint32_t> low_;
  std::vector<int64_t> carries_;  // element k: how many offsets are below (k + 1)·2^32
};

}  // namespace vitrine
