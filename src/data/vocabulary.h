#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vitrine {

// Distinct strings, numbered 0, 1, 2, … in the order of insertion. Open addressing with linear probing; looking up allocates nothing.
class Vocabulary {
 public:
  int32_t find(std::string_view word) const;  // −1 where there is none
  int32_t insert(std::string_view word);      // its number, new or old
  std::string_view operator[](int32_t i) const {
    return {bytes_.data() + ends_[i], static_cast<size_t>(ends_[i + 1] - ends_[i])};
  }
  int32_t size() const { return static_cast<int32_t>(ends_.size()) - 1; }

 private:
  struct Slot {
    uint32_t hash;
    int32_t index = -1;  // −1: free
  };
  size_t slot_of(std::string_view word, uint32_t hash) const;
  void grow();

  std::string bytes_;              // all strings, end to end
  std::vector<uint64_t> ends_{0};  // string i is bytes_[ends_[i] … ends_[i+1])
  std::vector<Slot> slots_;        // a power of two of them, at most half in use
};

// Distinct strings and how often each was added.
class CountedWords {
 public:
  void add(std::string_view word, int64_t count = 1) {
    const auto i = static_cast<size_t>(words_.insert(word));
    if (i == counts_.size()) counts_.push_back(0);
    counts_[i] += count;
  }
  int32_t size() const { return words_.size(); }
  std::string_view word(int32_t i) const { return words_[i]; }
  int64_t count(int32_t i) const { return counts_[static_cast<size_t>(i)]; }
  std::vector<int32_t> by_count() const;  // their numbers by falling count, equal ones in the order of their bytes

 private:
  Vocabulary words_;
  std::vector<int64_t> counts_;
};

}  // namespace vitrine
