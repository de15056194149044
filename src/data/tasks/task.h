#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/rng.h"
#include "data/settings.h"

namespace vitrine {

// data.kind task: sequences whose answers are known, and for each answer the tokens that it is taken from (data/links.h). Length n is
// uniform from min_length to length, a symbol is uniform over `vocabulary_size` of them. Under each token its tag; · asks nothing.
//
//   copy              b d a | _ _ _           each blank asks for a symbol, in order
//                     · · · · b d a           source: the symbol
//   reverse           b d a c                 symbol n−1−i
//                     c a d b                 source: position n−1−i (none where that is i)
//   sort              c a d a                 the i-th smallest
//                     a a c d                 sources: all places of that symbol (none where i is one of them)
//   first_occurrence  c a d a                 has this symbol stood there before?
//                     first first first again     sources: all earlier places
//   recall            kc va ka vd | ka kc     n pairs of different keys and any values, then `queries` of the keys
//                     · · · · · vd va         source: the value.  A guess among the values in sight: 1/n, blindly 1/vocabulary_size
//   induction         b d a c b d a c         n different symbols, twice: what followed the same symbol last time
//                     · · · · d a c ·         source: i−n+1.  Needs causal attention, which does not see the answer at i+1
//   brackets          b a ) ) c )             n pairs, a letter opens, every nesting equally likely: which bracket is closed here?
//                     · · a b · c             source: that bracket
//   majority          a b b c b               the most frequent symbol, of several the first in the alphabet; a label of the whole
//                     label b                 sequence, with no link
//
// `distractors` words of a set of their own stand at random places between these tokens and change no answer.

// The random numbers of one sequence, one after the other: a place in (seed; split, sequence).
class Draws {
 public:
  Draws(const RngKey& key, int64_t sequence) : key_(key), row_(static_cast<uint32_t>(sequence)) {}
  int64_t below(int64_t n) { return key_.below(static_cast<uint32_t>(n), row_, column_++); }
  double uniform() { return key_.uniform(row_, column_++); }
  int32_t other(int64_t n, int32_t than) {  // uniform in [0, n) without `than`
    const auto x = static_cast<int32_t>(below(n - 1));
    return x < than ? x : x + 1;
  }
  // `count` different numbers of [0, n), in random order, appended to `out`.
  void different(int64_t n, int64_t count, std::vector<int32_t>& out);

 private:
  RngKey key_;
  uint32_t row_, column_ = 0;
};

// A minimal pair: `word` instead of the tokens at all `sources` gives another answer.
struct Swap {
  std::vector<int32_t> sources;  // ascending
  int32_t word;
};

class Task {
 public:
  virtual ~Task() = default;
  // The words of sequences, and those of answers. Where an answer stands in the sequence, both have the same number.
  std::vector<std::string> words, answers;
  std::string link;  // name of the link; empty: there is none

  virtual int64_t size(int64_t n) const { return n; }  // tokens of a sequence of length n
  virtual bool labels() const { return false; }        // one answer for the whole sequence, not one for each token
  virtual void draw(Draws& draws, int64_t n, std::vector<int32_t>& out) const = 0;
  // The truth about any sequence of this form: [T] answers, kNoTag where nothing is asked; with labels() one.
  virtual void answer(std::span<const int32_t> sequence, std::vector<int32_t>& out) const = 0;
  // Where the answer at `target` comes from; none: nowhere else, or there is no word to put there.
  virtual std::optional<Swap> swap(std::span<const int32_t>, int32_t, Draws&) const { return std::nullopt; }
};

std::unique_ptr<Task> make_task(const DataSettings& data);

// The families.
std::unique_ptr<Task> make_copy(int64_t symbols);              // order.cpp
std::unique_ptr<Task> make_reverse(int64_t symbols);           //
std::unique_ptr<Task> make_sort(int64_t symbols);              //
std::unique_ptr<Task> make_first_occurrence(int64_t symbols);  // lookup.cpp
std::unique_ptr<Task> make_recall(int64_t symbols, int64_t queries);
std::unique_ptr<Task> make_induction(int64_t symbols);
std::unique_ptr<Task> make_brackets(int64_t kinds);
std::unique_ptr<Task> make_majority(int64_t symbols);

// a, b, … up to 26, else numbers with as many digits as the last one needs: the order of their bytes is the order of the symbols.
std::vector<std::string> symbol_names(int64_t count, const std::string& prefix = "");

}  // namespace vitrine
