#include <algorithm>

#include "backend/cpu_backend.h"

namespace vitrine::inline VITRINE_PRECISION {

// y_b = Σ_{i in sequence b} x_i / T_b
void CpuBackend::mean_pool_forward(Tensor y, Tensor x, const Packing& packing) {
  for (int64_t b = 0; b < packing.sequences(); ++b) {
    const Tensor X = x.slice(packing.offset[b], packing.length(b));
    Real* yb = y.row(b);
    std::fill_n(yb, y.cols, Real{0});
    for (int64_t i = 0; i < X.rows; ++i) {
      const Real* xi = X.row(i);
#pragma omp simd
      for (int64_t j = 0; j < y.cols; ++j) yb[j] += xi[j];
    }
    const Real scale = 1 / static_cast<Real>(X.rows);
    for (int64_t j = 0; j < y.cols; ++j) yb[j] *= scale;
  }
}

// dx_i = dy_b / T_b
void CpuBackend::mean_pool_backward(Tensor dx, Tensor dy, const Packing& packing) {
  for (int64_t b = 0; b < packing.sequences(); ++b) {
    const Tensor dX = dx.slice(packing.offset[b], packing.length(b));
    const Real *dyb = dy.row(b), scale = 1 / static_cast<Real>(dX.rows);
    for (int64_t i = 0; i < dX.rows; ++i) {
      Real* dxi = dX.row(i);
#pragma omp simd
      for (int64_t j = 0; j < dx.cols; ++j) dxi[j] = dyb[j] * scale;
    }
  }
}

}  // namespace vitrine::inline VITRINE_PRECISION
