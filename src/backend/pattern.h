#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/rng.h"
#include "tensor/tensor.h"

namespace vitrine::inline VITRINE_PRECISION {

// Neighbouring keys of a sequence: at … at + count − 1.
struct Keys {
  int64_t at = 0, count = 0;
  constexpr int64_t end() const { return at + count; }
};

// Which keys the queries of a sequence of T tokens may see: all of them, or those near enough, or those of some blocks,
//   all                                                                            (neither window nor block is given)
//   |i − j| ≤ window                                                               (Beltagy et al. 2020, §3.1)
//   |bi − bj| ≤ reach, or i < global or j < global, or bj is one of `random` blocks drawn for block row bi (Zaheer et al. 2020, §2),
//     or stride divides bi − bj (Child et al. 2019, §4.2);   bi = ⌊i / block⌋, bj = ⌊j / block⌋
// and of these j ≤ i when causal. What is seen depends on T, i, j, the seed and the head, and on nothing else.
struct Pattern {
  static constexpr int64_t kNoLimit = -1;
  bool causal = false;
  int64_t window = kNoLimit;  // tokens on each side
  // The same of each head; whoever makes the pattern keeps them. Empty: all heads have `window`.
  std::span<const int64_t> windows = {};
  int64_t block = 0;  // tokens of a block; 0: no blocks
  int64_t reach = 1;  // blocks on each side of the query's own, 0: its own alone, −1: not even that
  int64_t global = 0, random = 0, stride = 0;
  RngKey key{};  // of the random blocks; head h has the stream key.stream + h

  constexpr int64_t window_of(int64_t head) const { return windows.empty() ? window : windows[static_cast<size_t>(head)]; }
  // What row i sees of the keys that seen_by() lists: those from .at to .end().
  constexpr Keys ends(int64_t head, int64_t i, int64_t T) const {
    const int64_t w = block == 0 ? window_of(head) : kNoLimit;
    const int64_t at = w >= 0 ? std::max<int64_t>(0, i - w) : 0;
    return {at, (causal ? i + 1 : w >= 0 ? std::min(T, i + w + 1) : T) - at};
  }
  // How many rows from `first` on, `most` at most, share a list of keys.
  int64_t rows_alike(int64_t head, int64_t first, int64_t T, int64_t most) const;
  // The keys that rows first … first + rows − 1 (rows alike) see: sorted, apart from each other, none empty. Each row sees of them what
  // lies within its ends().
  void seen_by(std::vector<Keys>& out, int64_t head, int64_t first, int64_t rows, int64_t T) const;
  // Pairs (i, j) of one head that see each other.
  int64_t pairs(int64_t head, int64_t T) const;
};

}  // namespace vitrine::inline VITRINE_PRECISION
