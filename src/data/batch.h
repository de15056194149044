#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace vitrine {

// What one objective wants of a batch: M targets. Where they are tokens, `rows` says which, ascending; where they are sequences, `rows`
// is empty and M = B. A target with a negative class has no loss.
//   language models         classes[m]: the token that row m must predict
//   tags                    rows: the first piece of each word; classes[m]: its tag, −1: unknown to training, counts as wrong
//   one class a sequence    classes[b]: −1: unknown to training, counts as wrong
//   several classes         values [B,C]: 1 for those that hold, else 0; classes[b]: 0, or −n: n more hold that training lacks
//   a number                values [B], scaled; classes[b]: 0, −1: there is none
struct Targets {
  std::vector<int32_t> rows;     // [M] or empty
  std::vector<int32_t> classes;  // [M]
  std::vector<double> values;    // [B,C], [B] or empty
  double weight = 0;             // denominator of the loss: number of targets (sum of class weights) in the *whole* batch

  void clear() { rows.clear(), classes.clear(), values.clear(), weight = 0; }  // keeps the memory
};

// A batch is a bag of sequences, packed end to end: there is no padding anywhere. Sequence b is tokens[offsets[b] … offsets[b+1]).
struct Batch {
  std::vector<int32_t> tokens;      // [N]
  std::vector<int32_t> types;       // [N] token types, or empty (all 0)
  std::vector<int64_t> offsets{0};  // [B+1]
  std::vector<int64_t> sequences;   // [B] which example of the data set each one is
  std::vector<Targets> targets;     // one for each objective
  int64_t first_row = 0;            // where tokens[0] stands in the whole batch; 0 unless this is a micro-batch

  int64_t size() const { return static_cast<int64_t>(tokens.size()); }                 // N
  int64_t sequence_count() const { return static_cast<int64_t>(offsets.size()) - 1; }  // B
  int64_t length(int64_t b) const { return offsets[b + 1] - offsets[b]; }              // T_b
  std::span<const int32_t> sequence(int64_t b) const { return {tokens.data() + offsets[b], static_cast<size_t>(length(b))}; }

  void clear();  // keeps the memory
  // `out` becomes sequences [first, last) of this batch: a micro-batch. Allocates nothing once `out` has been large enough.
  void slice(int64_t first, int64_t last, Batch& out) const;
};

}  // namespace vitrine
