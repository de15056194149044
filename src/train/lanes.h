#pragma once
#include "train/engine.h"

namespace vitrine {

// How the work of one batch is laid out. Part of the arithmetic: it depends on the configuration and the data, never on the machine.
struct Layout {
  int64_t lanes, micro_batch;                            // micro_batch in tokens
  int64_t tokens, sequences, longest, pairs, predicted;  // the most that one micro-batch holds
};
Layout layout_of(const EngineSettings& settings);

}  // namespace vitrine
