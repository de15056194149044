#include "backend/cpu_backend.h"
#include "backend/ops/optimizer_math.h"

namespace vitrine::inline VITRINE_PRECISION {

void CpuBackend::adam(Tensor w, Tensor m, Tensor v, Tensor g, const AdamStep& step) {
  const AdamUpdate update(step);
  for (int64_t i = 0; i < w.rows; ++i) {
    Real *wi = w.row(i), *mi = m.row(i), *vi = v.row(i);
    const Real* gi = g.row(i);
#pragma omp simd
    for (int64_t j = 0; j < w.cols; ++j) update(wi[j], mi[j], vi[j], gi[j]);
  }
}

void CpuBackend::sgd(Tensor w, Tensor u, Tensor g, const SgdStep& step) {
  const SgdUpdate update{step};
  for (int64_t i = 0; i < w.rows; ++i) {
    Real *wi = w.row(i), *ui = u.row(i);
    const Real* gi = g.row(i);
#pragma omp simd
    for (int64_t j = 0; j < w.cols; ++j) update(wi[j], ui[j], gi[j]);
  }
}

}  // namespace vitrine::inline VITRINE_PRECISION
