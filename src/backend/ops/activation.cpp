#include "backend/cpu_backend.h"
#include "backend/ops/activation_math.h"

namespace vitrine::inline VITRINE_PRECISION {

// y = f(x)   slope = f'(x)
void CpuBackend::activation_forward(Tensor y, Tensor slope, Tensor x, Activation f) {
  with_activation(f, [&](auto kind) {
    for (int64_t i = 0; i < x.rows; ++i) {
      const Real* xi = x.row(i);
      Real *yi = y.row(i), *si = slope.row(i);
#pragma omp simd
      for (int64_t j = 0; j < x.cols; ++j) {
        const ValueAndSlope f_x = activate<kind()>(xi[j]);
        yi[j] = f_x.value;
        si[j] = f_x.slope;
      }
    }
  });
}

// dx = dy ⊙ slope
void CpuBackend::activation_backward(Tensor dx, Tensor dy, Tensor slope) {
  for (int64_t i = 0; i < dy.rows; ++i) {
    const Real *dyi = dy.row(i), *si = slope.row(i);
    Real* dxi = dx.row(i);
#pragma omp simd
    for (int64_t j = 0; j < dy.cols; ++j) dxi[j] = dyi[j] * si[j];
  }
}

}  // namespace vitrine::inline VITRINE_PRECISION
