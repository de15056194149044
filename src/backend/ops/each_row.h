#pragma once
#include <algorithm>

#include "backend/cpu_backend.h"

namespace vitrine::inline VITRINE_PRECISION {

// f(b, h, i, the keys that row i of tile (b, h) sees)
template <class F>
void CpuBackend::each_row(Tiles tiles, const Pattern& pattern, F f) {
  each_tile(tiles, [&](int64_t b, int64_t h) {
    const int64_t T = tiles.packing->length(b);
    for (int64_t first = 0, rows; first < T; first += rows) {
      rows = pattern.rows_alike(h, first, T, T);
      pattern.seen_by(keys_, h, first, rows, T);
      for (int64_t i = first; i < first + rows; ++i) {
        const Keys ends = pattern.ends(h, i, T);
        row_keys_.clear();
        for (const Keys& k : keys_) {
          const int64_t at = std::max(k.at, ends.at), end = std::min(k.end(), ends.end());
          if (at < end) row_keys_.push_back({at, end - at});
        }
        f(b, h, i, row_keys_);
      }
    }
  });
}

}  // namespace vitrine::inline VITRINE_PRECISION
