#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace vitrine {

// Two pieces that become one; all of them are token ids.
struct Merge {
  int32_t left, right, result;
  bool operator==(const Merge&) const = default;
};

// Byte-pair encoding's learning (Sennrich et al. 2016, §3.2): the most frequent pair of neighbours in the words is joined, again and
// again; of equally frequent ones that of the smaller ids. A join changes only the counts around it, and a heap finds the next pair.
class MergeLearner {
 public:
  void add(std::span<const int32_t> word, int64_t count);  // a distinct word, as the ids of its smallest pieces
  // Until no pair is as frequent as `least`, or `join`, which says what two pieces become, answers −1.
  std::vector<Merge> learn(int64_t least, const std::function<int32_t(int32_t left, int32_t right)>& join);

 private:
  struct Word {
    size_t begin;  // in pieces_
    uint32_t length;
    int64_t count;
  };
  struct Pair {
    int64_t count = 0;
    std::vector<uint32_t> words;  // where it stands, or once stood
    bool merged = false;
  };
  void count(int32_t left, int32_t right, int64_t change, uint32_t word);
  void merge(uint32_t word, const Merge& merge);

  std::vector<int32_t> pieces_;  // of all words, end to end
  std::vector<Word> words_;
  std::unordered_map<uint64_t, Pair> pairs_;
  std::vector<uint64_t> grown_;  // pairs that the last merge made more frequent
};

}  // namespace vitrine
