#include "backend/cpu_backend.h"

namespace vitrine::inline VITRINE_PRECISION {

// (a, b) → (a cos − b sin, a sin + b cos), or with −sin
void CpuBackend::rotate(Tiles x, Tensor turns, bool back) {
  const Real sign = back ? -1 : 1;
  const int64_t pairs = turns.cols / 2;
  each_tile(x, [&](int64_t b, int64_t h) {
    const Tensor X = x(b, h);
    for (int64_t t = 0; t < X.rows; ++t) {
      Real* xt = X.row(t);
      const Real* turn = turns.row(t);
#pragma omp simd
      for (int64_t i = 0; i < pairs; ++i) {
        const Real p = xt[2 * i], q = xt[2 * i + 1], c = turn[2 * i], s = sign * turn[2 * i + 1];
        xt[2 * i] = p * c - q * s;
        xt[2 * i + 1] = p * s + q * c;
      }
    }
  });
}

}  // namespace vitrine::inline VITRINE_PRECISION
