#pragma once
#include <cstdint>
#include <vector>

#include "cli/text_batches.h"

namespace vitrine {

// What the encoder makes of texts: a vector of width D for each token, and one for the whole, pooled as the head of sequences pools it:
// the vector of [CLS], or the mean of all (also where there is no such head).
struct Embeddings {
  int64_t width = 0;                // D
  std::vector<double> tokens;       // [ΣT, D], with [CLS] where the model has it
  std::vector<int64_t> offsets{0};  // [texts + 1]: text i has the rows offsets[i] … offsets[i+1] of `tokens`, where they are kept
  std::vector<double> pooled;       // [texts, D]
};

// Adds those of a batch.
void append_embeddings(Embeddings& out, const TextModel& model, const Batch& batch, bool keep_tokens);

}  // namespace vitrine
