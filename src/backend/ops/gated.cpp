#include "backend/cpu_backend.h"
#include "backend/ops/activation_math.h"

namespace vitrine::inline VITRINE_PRECISION {

// y = f(gate) ⊙ up                                                                      (Shazeer 2020, arXiv 2002.05202)
void CpuBackend::gated_forward(Tensor y, Tensor gate, Tensor up, Activation f) {
  with_activation(f, [&](auto kind) {
    for (int64_t i = 0; i < y.rows; ++i) {
      const Real *gi = gate.row(i), *ui = up.row(i);
      Real* yi = y.row(i);
#pragma omp simd
      for (int64_t j = 0; j < y.cols; ++j) yi[j] = activate<kind()>(gi[j]).value * ui[j];
    }
  });
}

// dgate = dy ⊙ up ⊙ f'(gate)   dup = dy ⊙ f(gate)
void CpuBackend::gated_backward(Tensor dgate, Tensor dup, Tensor dy, Tensor gate, Tensor up, Activation f) {
  with_activation(f, [&](auto kind) {
    for (int64_t i = 0; i < dy.rows; ++i) {
      const Real *gi = gate.row(i), *ui = up.row(i), *dyi = dy.row(i);
      Real *dgi = dgate.row(i), *dui = dup.row(i);
#pragma omp simd
      for (int64_t j = 0; j < dy.cols; ++j) {
        const ValueAndSlope g = activate<kind()>(gi[j]);
        dgi[j] = dyi[j] * ui[j] * g.slope;
        dui[j] = dyi[j] * g.value;
      }
    }
  });
}

}  // namespace vitrine::inline VITRINE_PRECISION
