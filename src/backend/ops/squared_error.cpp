#include "backend/cpu_backend.h"

namespace vitrine::inline VITRINE_PRECISION {

// loss_m = mean_c (z − y)²
void CpuBackend::squared_error_forward(Tensor losses, Tensor predicted, Tensor truth, Indices targets) {
  const int64_t C = predicted.cols;
  for (int64_t m = 0; m < predicted.rows; ++m) {
    const Real *z = predicted.row(m), *y = truth.row(m);
    Real sum = 0;
    for (int64_t c = 0; c < C; ++c) sum += (z[c] - y[c]) * (z[c] - y[c]);
    *losses.row(m) = targets.data[m] < 0 ? 0 : sum / static_cast<Real>(C);
  }
}

// dz = 2 scale/C · (z − y)
void CpuBackend::squared_error_backward(Tensor dpredicted, Tensor predicted, Tensor truth, Indices targets, Real scale) {
  const int64_t C = predicted.cols;
  for (int64_t m = 0; m < predicted.rows; ++m) {
    const Real *z = predicted.row(m), *y = truth.row(m), share = targets.data[m] < 0 ? 0 : 2 * scale / static_cast<Real>(C);
    Real* dz = dpredicted.row(m);
    for (int64_t c = 0; c < C; ++c) dz[c] = share * (z[c] - y[c]);
  }
}

}  // namespace vitrine::inline VITRINE_PRECISION
