#include "data/tokenizer/merges.h"

#include <algorithm>
#include <queue>

namespace vitrine {
namespace {

uint64_t key_of(int32_t left, int32_t right) { return static_cast<uint64_t>(left) << 32 | static_cast<uint32_t>(right); }

// A pair with the count that it had when it came into the heap.
struct Candidate {
  int64_t count;
  uint64_t key;
  bool operator<(const Candidate& other) const { return count != other.count ? count < other.count : key > other.key; }
};

}  // namespace

void MergeLearner::add(std::span<const int32_t> word, int64_t count) {
  words_.push_back({pieces_.size(), static_cast<uint32_t>(word.size()), count});
  pieces_.insert(pieces_.end(), word.begin(), word.end());
}

void MergeLearner::count(int32_t left, int32_t right, int64_t change, uint32_t word) {
  const uint64_t key = key_of(left, right);
  Pair& pair = pairs_[key];
  pair.count += change;
  if (change < 0) return;
  if (pair.words.empty() || pair.words.back() != word) pair.words.push_back(word);
  grown_.push_back(key);
}

void MergeLearner::merge(uint32_t w, const Merge& merge) {
  Word& word = words_[w];
  int32_t* pieces = pieces_.data() + word.begin;
  uint32_t kept = 0;
  for (uint32_t i = 0; i < word.length; ++i) {
    const bool here = pieces[i] == merge.left && i + 1 < word.length && pieces[i + 1] == merge.right;
    if (here) {
      if (kept > 0) {
        count(pieces[kept - 1], merge.left, -word.count, w);
        count(pieces[kept - 1], merge.result, word.count, w);
      }
      if (i + 2 < word.length) {
        count(merge.right, pieces[i + 2], -word.count, w);
        count(merge.result, pieces[i + 2], word.count, w);
      }
      ++i;
    }
    pieces[kept++] = here ? merge.result : pieces[i];
  }
  word.length = kept;
}

std::vector<Merge> MergeLearner::learn(int64_t least, const std::function<int32_t(int32_t, int32_t)>& join) {
  least = std::max<int64_t>(least, 1);
  for (uint32_t w = 0; w < words_.size(); ++w)
    for (uint32_t i = 1; i < words_[w].length; ++i) {
      const int32_t* pieces = pieces_.data() + words_[w].begin;
      count(pieces[i - 1], pieces[i], words_[w].count, w);
    }
  std::vector<Candidate> begin;
  for (const auto& [key, pair] : pairs_) begin.push_back({pair.count, key});
  std::priority_queue<Candidate> heap({}, std::move(begin));

  std::vector<Merge> merges;
  while (!heap.empty()) {
    const Candidate top = heap.top();
    heap.pop();
    Pair& pair = pairs_[top.key];
    if (pair.count < least) continue;
    if (pair.count != top.count) {  // it became rarer meanwhile, or stands there a second time
      if (pair.count < top.count) heap.push({pair.count, top.key});
      continue;
    }
    Merge next{static_cast<int32_t>(top.key >> 32), static_cast<int32_t>(top.key), 0};
    next.result = join(next.left, next.right);
    if (next.result < 0) break;
    if (!pair.merged) merges.push_back(next);  // a piece that two merges make may bring back a pair that was merged before
    pair.merged = true;
    const std::vector<uint32_t> words = std::move(pair.words);
    pair.words.clear();
    grown_.clear();
    for (const uint32_t w : words) merge(w, next);
    pair.count = 0;
    std::sort(grown_.begin(), grown_.end());
    grown_.erase(std::unique(grown_.begin(), grown_.end()), grown_.end());
    for (const uint64_t key : grown_)
      if (pairs_[key].count >= least) heap.push({pairs_[key].count, key});
  }
  return merges;
}

}  // namespace vitrine
