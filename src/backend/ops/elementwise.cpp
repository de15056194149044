#include <algorithm>

#include "backend/cpu_backend.h"

namespace vitrine::inline VITRINE_PRECISION {

void CpuBackend::fill(Tensor y, Real value) {
  for (int64_t i = 0; i < y.rows; ++i) std::fill_n(y.row(i), y.cols, value);
}

void CpuBackend::copy(Tensor y, Tensor x) {
  for (int64_t i = 0; i < y.rows; ++i) std::copy_n(x.row(i), x.cols, y.row(i));
}

void CpuBackend::add(Tensor y, Tensor a, Tensor b) {
  for (int64_t i = 0; i < y.rows; ++i) {
    Real* yi = y.row(i);
    const Real *ai = a.row(i), *bi = b.row(i);
#pragma omp simd
    for (int64_t j = 0; j < y.cols; ++j) yi[j] = ai[j] + bi[j];
  }
}

// Eight running sums in double, whatever the width of the processor's vectors; then they are added, and then the chunks.
double CpuBackend::sum_squares(Tensor x) {
  constexpr int64_t kChunk = 4096, kSums = 8;
  double total = 0;
  for (int64_t i = 0; i < x.rows; ++i) {
    for (int64_t first = 0; first < x.cols; first += kChunk) {
      const Real* xi = x.row(i) + first;
      const int64_t n = std::min(kChunk, x.cols - first), whole = n / kSums * kSums;
      double sum[kSums] = {};
      for (int64_t j = 0; j < whole; j += kSums) {
#pragma omp simd
        for (int64_t k = 0; k < kSums; ++k) sum[k] += static_cast<double>(xi[j + k]) * xi[j + k];
      }
      for (int64_t j = whole; j < n; ++j) sum[j - whole] += static_cast<double>(xi[j]) * xi[j];
      double chunk = 0;
      for (double s : sum) chunk += s;
      total += chunk;
    }
  }
  return total;
}

}  // namespace vitrine::inline VITRINE_PRECISION
