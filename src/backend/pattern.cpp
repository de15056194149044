#include "backend/pattern.h"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

// The `random` blocks of block row bi, drawn without repetition from those below `blocks` that are neither its own, nor within reach, nor
// wholly global: all of them if there are no more. They are [low, left) and [right, blocks), c together; Floyd's algorithm (Bentley and
// Floyd 1987) takes the m-th of a sample of n from [0, c − n + m], or that last number itself when the one drawn is there already.
void draw_blocks(std::vector<Keys>& out, const Pattern& p, int64_t head, int64_t bi, int64_t blocks) {
  const int64_t near = std::max<int64_t>(0, p.reach), low = p.global / p.block;
  const int64_t left = std::max(low, bi - near), right = std::max(left, bi + near + 1);
  const int64_t c = left - low + std::max<int64_t>(0, blocks - right), n = std::min(p.random, c);
  const RngKey key{p.key.seed, p.key.stream + static_cast<uint32_t>(head), p.key.step};
  const size_t start = out.size();
  for (int64_t m = 0; m < n; ++m) {
    const int64_t last = c - n + m;
    const auto place = [&](int64_t k) { return Keys{(k < left - low ? low + k : right + k - (left - low)) * p.block, p.block}; };
    Keys drawn = place(key.below(static_cast<uint32_t>(last + 1), static_cast<uint32_t>(bi), static_cast<uint32_t>(m)));
    for (size_t k = start; k < out.size(); ++k)
      if (out[k].at == drawn.at) drawn = place(last);
    out.push_back(drawn);
  }
}

// Sorted; what overlaps or touches becomes one; nothing at or behind `end`.
void tidy(std::vector<Keys>& keys, int64_t end) {
  std::sort(keys.begin(), keys.end(), [](Keys a, Keys b) { return a.at < b.at; });
  size_t kept = 0;
  for (Keys k : keys) {
    k.count = std::min(k.end(), end) - k.at;
    if (k.count <= 0) continue;
    if (kept > 0 && k.at <= keys[kept - 1].end())
      keys[kept - 1].count = std::max(keys[kept - 1].end(), k.end()) - keys[kept - 1].at;
    else
      keys[kept++] = k;
  }
  keys.resize(kept);
}

}  // namespace

// Of a window, a quarter of it: of the 2·window + rows keys of such rows a tenth lies outside the band, and the products are not thin.
int64_t Pattern::rows_alike(int64_t head, int64_t first, int64_t T, int64_t most) const {
  int64_t rows = most;
  if (block > 0)
    rows = first < global ? global - first : (first / block + 1) * block - first;
  else if (window_of(head) >= 0)
    rows = std::max<int64_t>(32, window_of(head) / 4);
  return std::min({rows, most, T - first});
}

void Pattern::seen_by(std::vector<Keys>& out, int64_t head, int64_t first, int64_t rows, int64_t T) const {
  out.clear();
  const int64_t end = causal ? first + rows : T;
  if (block == 0 || first < global) {
    const Keys low = ends(head, first, T), high = ends(head, first + rows - 1, T);
    out.push_back({low.at, high.end() - low.at});
    return;
  }
  const int64_t bi = first / block, blocks = (end + block - 1) / block;
  if (global > 0) out.push_back({0, global});
  if (reach >= 0) {
    const int64_t left = std::max<int64_t>(0, bi - reach);
    out.push_back({left * block, (bi + reach + 1 - left) * block});
  }
  if (stride > 0)
    for (int64_t bj = bi % stride; bj < blocks; bj += stride) out.push_back({bj * block, block});
  if (random > 0) draw_blocks(out, *this, head, bi, blocks);
  tidy(out, end);
}

int64_t Pattern::pairs(int64_t head, int64_t T) const {
  int64_t pairs = 0;
  std::vector<Keys> keys;
  for (int64_t first = 0, rows; first < T; first += rows) {
    rows = rows_alike(head, first, T, T);
    seen_by(keys, head, first, rows, T);
    for (int64_t i = first; i < first + rows; ++i) {
      const Keys within = ends(head, i, T);
      for (const Keys& k : keys) pairs += std::max<int64_t>(0, std::min(k.end(), within.end()) - std::max(k.at, within.at));
    }
  }
  return pairs;
}

}  // namespace vitrine::inline VITRINE_PRECISION
