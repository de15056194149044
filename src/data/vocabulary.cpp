#include "data/vocabulary.h"

#include <algorithm>
#include <numeric>

#include "base/rng.h"

namespace vitrine {

size_t Vocabulary::slot_of(std::string_view word, uint32_t hash) const {
  const size_t mask = slots_.size() - 1;
  size_t s = hash & mask;
  while (slots_[s].index >= 0 && (slots_[s].hash != hash || (*this)[slots_[s].index] != word)) s = (s + 1) & mask;
  return s;
}

int32_t Vocabulary::find(std::string_view word) const {
  return slots_.empty() ? -1 : slots_[slot_of(word, hash_name(word))].index;
}

int32_t Vocabulary::insert(std::string_view word) {
  if (slots_.size() <= 2 * static_cast<size_t>(size())) grow();
  const uint32_t hash = hash_name(word);
  Slot& slot = slots_[slot_of(word, hash)];
  if (slot.index < 0) {
    slot = {hash, size()};
    bytes_.append(word);
    ends_.push_back(bytes_.size());
  }
  return slot.index;
}

void Vocabulary::grow() {
  std::vector<Slot> old(slots_.empty() ? 64 : 2 * slots_.size());
  old.swap(slots_);
  const size_t mask = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.index < 0) continue;
    size_t s = slot.hash & mask;
    while (slots_[s].index >= 0) s = (s + 1) & mask;
    slots_[s] = slot;
  }
}

std::vector<int32_t> CountedWords::by_count() const {
  std::vector<int32_t> order(counts_.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [this](int32_t a, int32_t b) { return count(a) != count(b) ? count(a) > count(b) : word(a) < word(b); });
  return order;
}

}  // namespace vitrine
