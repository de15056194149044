#include <algorithm>
#include <cmath>

#include "backend/cpu_backend.h"
#include "backend/ops/vector_math.h"

namespace vitrine::inline VITRINE_PRECISION {

// −(y log σ(z) + (1 − y) log(1 − σ(z))) = max(z, 0) − z y + log(1 + e^−|z|), in which no exponential is large
void CpuBackend::binary_cross_entropy_forward(Tensor losses, Tensor logits, Tensor truth, Indices targets) {
  const int64_t C = logits.cols;
  for (int64_t m = 0; m < logits.rows; ++m) {
    const Real *z = logits.row(m), *y = truth.row(m);
    Real sum = 0;
    for (int64_t c = 0; c < C; ++c) sum += std::max(z[c], Real{0}) - z[c] * y[c] + std::log1p(std::exp(-std::abs(z[c])));
    *losses.row(m) = targets.data[m] < 0 ? 0 : sum / static_cast<Real>(C);
  }
}

// dz = scale/C · (σ(z) − y)
void CpuBackend::binary_cross_entropy_backward(Tensor dlogits, Tensor logits, Tensor truth, Indices targets, Real scale) {
  const int64_t C = logits.cols;
  for (int64_t m = 0; m < logits.rows; ++m) {
    const Real *z = logits.row(m), *y = truth.row(m), share = targets.data[m] < 0 ? 0 : scale / static_cast<Real>(C);
    Real* dz = dlogits.row(m);
#pragma omp simd
    for (int64_t c = 0; c < C; ++c) dz[c] = share * (vsigmoid(z[c]) - y[c]);
  }
}

}  // namespace vitrine::inline VITRINE_PRECISION
