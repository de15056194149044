#pragma once
#include <cstdint>

namespace vitrine {

// Shapes of the layers of one block and a head: N tokens in sequences of T, width D in H heads, hidden F, vocabulary V.
struct OpShapes {
  int64_t N = 1024, T = 64, D = 128, H = 4, F = 512, V = 1000;
};

}  // namespace vitrine
