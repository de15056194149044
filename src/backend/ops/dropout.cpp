#include <algorithm>

#include "backend/cpu_backend.h"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

// y_j = x_j / (1 − rate) if key.word(row, j) ≥ rate·2³², else 0
void dropout_row(Real* y, const Real* x, int64_t cols, Real rate, RngKey key, uint32_t row) {
  constexpr int64_t kQuads = 16;
  const auto threshold = static_cast<uint32_t>(static_cast<double>(rate) * 0x1p32);
  const Real scale = 1 / (1 - rate);
  for (int64_t first = 0; first < cols; first += 4 * kQuads) {
    uint32_t word[4 * kQuads];
    const auto quad = static_cast<uint32_t>(first / 4);
#pragma omp simd
    for (uint32_t q = 0; q < kQuads; ++q) {
      const Philox4 bits = key.bits(row, quad + q);
      for (int k = 0; k < 4; ++k) word[4 * q + k] = bits[k];
    }
    const int64_t n = std::min(4 * kQuads, cols - first);
    const Real* xj = x + first;
    Real* yj = y + first;
#pragma omp simd
    for (int64_t j = 0; j < n; ++j) yj[j] = word[j] >= threshold ? xj[j] * scale : 0;
  }
}

}  // namespace

void CpuBackend::dropout(Tensor y, Tensor x, Real rate, RngKey key, int64_t first_row) {
  for (int64_t i = 0; i < y.rows; ++i) dropout_row(y.row(i), x.row(i), y.cols, rate, key, static_cast<uint32_t>(first_row + i));
}

void CpuBackend::dropout(Tiles y, Tiles x, Real rate, RngKey key, int64_t first_row) {
  each_tile(y, [&](int64_t b, int64_t h) {
    const RngKey head{key.seed, key.stream + static_cast<uint32_t>(h), key.step};
    dropout(y(b, h), x(b, h), rate, head, first_row + y.packing->offset[b]);
  });
}

}  // namespace vitrine::inline VITRINE_PRECISION
