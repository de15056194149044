#pragma once
#include <cstdint>
#include <vector>

#include "data/tokenizer/merges.h"

namespace vitrine {

// Which two tokens join, into which, and how early that was learned. Open addressing with linear probing.
class MergeTable {
 public:
  struct Join {
    int32_t rank = -1;  // −1: these two do not join
    int32_t result = 0;
  };
  explicit MergeTable(const std::vector<Merge>& merges);
  Join find(int32_t left, int32_t right) const {
    for (size_t s = slot_of(left, right);; s = (s + 1) & (slots_.size() - 1)) {
      const Slot& slot = slots_[s];
      if (slot.join.rank < 0 || (slot.left == left && slot.right == right)) return slot.join;
    }
  }

 private:
  struct Slot {
    int32_t left = 0, right = 0;
    Join join;
  };
  size_t slot_of(int32_t left, int32_t right) const {
    const uint64_t key = static_cast<uint64_t>(left) << 32 | static_cast<uint32_t>(right);
    return (key * 0x9E3779B97F4A7C15u >> 32) & (slots_.size() - 1);  // Knuth's multiplicative hashing
  }

  std::vector<Slot> slots_;  // a power of two of them, at most half in use
};

}  // namespace vitrine
