#pragma once
#include "base/rng.h"
#include "tensor/tensor.h"

namespace vitrine::inline VITRINE_PRECISION {

// y_j = x_j / (1 − rate) if key.word(row, first_column + j) ≥ rate·2³², else 0.  In place allowed.
void dropout_row(Real* y, const Real* x, int64_t first_column, int64_t cols, Real rate, RngKey key, uint32_t row);

}  // namespace vitrine::inline VITRINE_PRECISION
