#pragma once
#include <cstdint>

#include "tensor/tensor.h"

namespace vitrine::inline VITRINE_PRECISION {

// Σ_j x_j y_j
inline Real dot_row(const Real* x, const Real* y, int64_t n) {
  Real sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t j = 0; j < n; ++j) sum += x[j] * y[j];
  return sum;
}

// y += scale x
inline void add_scaled_row(Real* y, const Real* x, Real scale, int64_t n) {
#pragma omp simd
  for (int64_t j = 0; j < n; ++j) y[j] += scale * x[j];
}

}  // namespace vitrine::inline VITRINE_PRECISION
