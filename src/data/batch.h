#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace vitrine {

// What one objective wants of a batch. For a language model `rows` are the predicted tokens, ascending, and classes[m] is the
// token that row m must predict; for a classifier of sequences `rows` is empty and classes has one entry a sequence.
struct Targets {
  std::vector<int32_t> rows;     // [M] or empty
  std::vector<int32_t> classes;  // [M] or [B]; −1 in a sequence's class: unknown label, counts as wrong and has no loss
  double weight = 0;             // denominator of the loss: number of targets (sum of class weights) in the *whole* batch
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
