#pragma once
#include <vector>

#include "backend/backend.h"
#include "data/batch.h"

namespace vitrine::inline VITRINE_PRECISION {

// What one micro-batch holds, where the backend computes. Filled again for each; allocates nothing once it has been large enough.
struct Inputs {
  Packing packing;
  Indices tokens, positions, types;  // [N]; a position is the place in its sequence
  Indices first_tokens;              // [B] row of each sequence's first token
  struct Target {
    Indices rows, classes;     // as in data/batch.h
    std::vector<Real> values;  // still on the host
    double weight = 0;
  };
  std::vector<Target> targets;                // one for each objective
  int64_t first_row = 0, first_sequence = 0;  // where this micro-batch stands in the whole batch

  void load(Backend& ops, const Batch& micro_batch, int64_t first_sequence_in_batch);

 private:
  std::vector<int32_t> host_positions_, host_first_tokens_, host_types_;
};

}  // namespace vitrine::inline VITRINE_PRECISION
