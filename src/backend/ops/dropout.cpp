#include "backend/ops/dropout.h"

#include <algorithm>

#include "backend/cpu_backend.h"
#include "base/random_words.h"

namespace vitrine::inline VITRINE_PRECISION {

void dropout_row(Real* y, const Real* x, int64_t first_column, int64_t cols, Real rate, RngKey key, uint32_t row) {
  constexpr int64_t kChunk = 4 * 4 * kQuadsAtOnce;
  const auto threshold = static_cast<uint32_t>(static_cast<double>(rate) * 0x1p32);
  const Real scale = 1 / (1 - rate);
  uint32_t words[kChunk];
  const int64_t before = first_column % 4;  // words of the first quad that belong to columns before
  for (int64_t first = 0, n; first < cols; first += n) {
    const int64_t skipped = first == 0 ? before : 0;
    n = std::min(kChunk - skipped, cols - first);
    random_words(words, key, row, static_cast<uint32_t>((first_column + first) / 4), (skipped + n + 3) / 4);
    const uint32_t* word = words + skipped;
    const Real* xj = x + first;
    Real* yj = y + first;
#pragma omp simd
    for (int64_t j = 0; j < n; ++j) yj[j] = word[j] >= threshold ? xj[j] * scale : 0;
  }
}

void CpuBackend::dropout(Tensor y, Tensor x, Real rate, RngKey key, int64_t first_row) {
  for (int64_t i = 0; i < y.rows; ++i)
    dropout_row(y.row(i), x.row(i), 0, y.cols, rate, key, static_cast<uint32_t>(first_row + i));
}

void CpuBackend::dropout(Tensor y, Tensor x, Real rate, RngKey key, int64_t first_row, Indices rows) {
  for (int64_t m = 0; m < y.rows; ++m)
    dropout_row(y.row(m), x.row(m), 0, y.cols, rate, key, static_cast<uint32_t>(first_row + rows.data[m]));
}

void CpuBackend::dropout(Tiles y, Tiles x, Real rate, RngKey key, int64_t first_row) {
  each_tile(y, [&](int64_t b, int64_t h) {
    const RngKey head{key.seed, key.stream + static_cast<uint32_t>(h), key.step};
    dropout(y(b, h), x(b, h), rate, head, first_row + y.packing->offset[b]);
  });
}

}  // namespace vitrine::inline VITRINE_PRECISION
