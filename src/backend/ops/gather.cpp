#include <algorithm>

#include "backend/cpu_backend.h"

namespace vitrine::inline VITRINE_PRECISION {

// y_m = x_{index[m]}   or   y_m += x_{index[m]}
void CpuBackend::gather(Tensor y, Tensor x, Indices index, Write write) {
  for (int64_t m = 0; m < index.size; ++m) {
    const Real* xi = x.row(index.data[m]);
    Real* ym = y.row(m);
    if (write == Write::kSet) {
      std::copy_n(xi, y.cols, ym);
    } else {
#pragma omp simd
      for (int64_t j = 0; j < y.cols; ++j) ym[j] += xi[j];
    }
  }
}

// dx_{index[m]} += dy_m, one m after the other: an index may occur many times
void CpuBackend::scatter_add(Tensor dx, Tensor dy, Indices index) {
  for (int64_t m = 0; m < index.size; ++m) {
    const Real* dym = dy.row(m);
    Real* dxi = dx.row(index.data[m]);
#pragma omp simd
    for (int64_t j = 0; j < dy.cols; ++j) dxi[j] += dym[j];
  }
}

}  // namespace vitrine::inline VITRINE_PRECISION
