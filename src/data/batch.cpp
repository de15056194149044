#include "data/batch.h"

#include <algorithm>

namespace vitrine {

void Batch::clear() {
  tokens.clear();
  types.clear();
  offsets.assign(1, 0);
  sequences.clear();
  for (Targets& t : targets) t.clear();
  first_row = 0;
}

void Batch::slice(int64_t first, int64_t last, Batch& out) const {
  const int64_t begin = offsets[first], end = offsets[last];
  out.tokens.assign(tokens.begin() + begin, tokens.begin() + end);
  if (types.empty())
    out.types.clear();
  else
    out.types.assign(types.begin() + begin, types.begin() + end);
  out.offsets.clear();
  for (int64_t b = first; b <= last; ++b) out.offsets.push_back(offsets[b] - begin);
  out.sequences.assign(sequences.begin() + first, sequences.begin() + last);
  out.first_row = first_row + begin;
  out.targets.resize(targets.size());
  for (size_t k = 0; k < targets.size(); ++k) {
    const Targets& from = targets[k];
    Targets& to = out.targets[k];
    to.clear();
    to.weight = from.weight;
    if (from.rows.empty() && !from.classes.empty()) {  // one target a sequence
      to.classes.assign(from.classes.begin() + first, from.classes.begin() + last);
      const auto C = static_cast<int64_t>(from.values.size() / from.classes.size());
      to.values.assign(from.values.begin() + first * C, from.values.begin() + last * C);
      continue;
    }
    const auto low = std::lower_bound(from.rows.begin(), from.rows.end(), begin) - from.rows.begin();
    const auto high = std::lower_bound(from.rows.begin(), from.rows.end(), end) - from.rows.begin();
    for (auto m = low; m < high; ++m) to.rows.push_back(static_cast<int32_t>(from.rows[m] - begin));
    to.classes.assign(from.classes.begin() + low, from.classes.begin() + high);
  }
}

}  // namespace vitrine
