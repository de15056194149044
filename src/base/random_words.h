#pragma once
#include <cstdint>

#include "base/rng.h"

namespace vitrine {

// out[j] = key.word(row, 4·first_quad + j) for 0 ≤ j < 4·quads, some quads at a time in the processor's vectors. `out` has room for
// quads rounded up to a multiple of kQuadsAtOnce.
constexpr int64_t kQuadsAtOnce = 16;
void random_words(uint32_t* out, RngKey key, uint32_t row, uint32_t first_quad, int64_t quads);

}  // namespace vitrine
