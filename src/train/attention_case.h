#pragma once
#include <cstdint>

#include "layers/settings.h"

namespace vitrine {

// Attention alone, between its projections: `threads` sequences of T tokens, one on each thread, width D in H heads.
struct AttentionCase {
  AttentionSettings attention;
  int64_t T = 0, D = 128, H = 4;
  int threads = 1;
  bool backward = true;  // forward and backward; else forward
};

struct AttentionRate {
  double seconds = 0;  // of a pass over all sequences: the shortest of those that were timed
  int64_t bytes = 0;   // planned for one sequence, its queries, keys, values and their gradients not counted
};

}  // namespace vitrine
