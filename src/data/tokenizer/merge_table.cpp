#include "data/tokenizer/merge_table.h"

#include <bit>

namespace vitrine {

MergeTable::MergeTable(const std::vector<Merge>& merges) : slots_(std::bit_ceil(2 * merges.size() + 2)) {
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const auto& [left, right, result] = merges[rank];
    size_t s = slot_of(left, right);
    while (slots_[s].join.rank >= 0) s = (s + 1) & (slots_.size() - 1);
    slots_[s] = {left, right, {static_cast<int32_t>(rank), result}};
  }
}

}  // namespace vitrine
