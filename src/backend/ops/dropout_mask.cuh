#pragma once
#include "backend/launch.cuh"
#include "base/rng.h"
#include "tensor/tensor.h"

namespace vitrine::inline VITRINE_PRECISION {

// The masks of dropout.cpp: keep(row, j) = key.word(row, j) ≥ rate·2³², four columns by one call of the generator.
struct DropoutMask {
  RngKey key;
  uint32_t threshold;
  Real scale;  // 1/(1 − rate)

  DropoutMask(RngKey k, Real rate)
      : key(k), threshold(static_cast<uint32_t>(static_cast<double>(rate) * 0x1p32)), scale(1 / (1 - rate)) {}
  __device__ DropoutMask of_head(int64_t h) const {
    DropoutMask mask = *this;
    mask.key.stream += static_cast<uint32_t>(h);
    return mask;
  }
  // What the numbers of columns 4·quad … 4·quad + 3 are multiplied with.
  struct Factors {
    Real of[4];
  };
  __device__ Factors factors(int64_t row, int64_t quad) const {
    const Philox4 word = key.bits(static_cast<uint32_t>(row), static_cast<uint32_t>(quad));
    Factors factors;
    for (int k = 0; k < 4; ++k) factors.of[k] = word[k] >= threshold ? scale : 0;
    return factors;
  }
  // What the number in one column is multiplied with.
  __device__ Real factor(int64_t row, int64_t column) const {
    const Factors quad = factors(row, column / 4);
    const int64_t k = column % 4;
    return k == 0 ? quad.of[0] : k == 1 ? quad.of[1] : k == 2 ? quad.of[2] : quad.of[3];  // an index would need local memory
  }
};

}  // namespace vitrine::inline VITRINE_PRECISION
