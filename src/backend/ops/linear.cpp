#include "backend/cpu_backend.h"

namespace vitrine::inline VITRINE_PRECISION {

// y = x Wᵀ + b
void CpuBackend::linear(Tensor y, Tensor x, Tensor W, Tensor b) { product(y, x, W.T(), 1, Write::kSet, b.data); }

// db += Σ_rows dy, four rows at a time: db is loaded and stored a quarter as often
void CpuBackend::bias_backward(Tensor db, Tensor dy) {
  Real* out = db.data;
  int64_t i = 0;
  for (; i + 4 <= dy.rows; i += 4) {
    const Real *a = dy.row(i), *b = dy.row(i + 1), *c = dy.row(i + 2), *d = dy.row(i + 3);
#pragma omp simd
    for (int64_t j = 0; j < dy.cols; ++j) out[j] += (a[j] + b[j]) + (c[j] + d[j]);
  }
  for (; i < dy.rows; ++i) {
    const Real* a = dy.row(i);
#pragma omp simd
    for (int64_t j = 0; j < dy.cols; ++j) out[j] += a[j];
  }
}

}  // namespace vitrine::inline VITRINE_PRECISION
