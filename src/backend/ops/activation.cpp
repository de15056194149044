#include "backend/cpu_backend.h"
#include "backend/ops/activation_math.h"

namespace vitrine::inline VITRINE_PRECISION {

// y = f(x)
void CpuBackend::activation_forward(Tensor y, Tensor x, Activation f) {
  with_activation(f, [&](auto kind) {
    for (int64_t i = 0; i < x.rows; ++i) {
      const Real* xi = x.row(i);
      Real* yi = y.row(i);
#pragma omp simd
      for (int64_t j = 0; j < x.cols; ++j) yi[j] = activate<kind()>(xi[j]).value;
    }
  });
}

// dx = dy ⊙ f'(x)
void CpuBackend::activation_backward(Tensor dx, Tensor dy, Tensor x, Activation f) {
  with_activation(f, [&](auto kind) {
    for (int64_t i = 0; i < x.rows; ++i) {
      const Real *xi = x.row(i), *dyi = dy.row(i);
      Real* dxi = dx.row(i);
#pragma omp simd
      for (int64_t j = 0; j < x.cols; ++j) dxi[j] = dyi[j] * activate<kind()>(xi[j]).slope;
    }
  });
}

}  // namespace vitrine::inline VITRINE_PRECISION
