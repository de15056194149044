#include <algorithm>

#include "backend/cpu_backend.h"

namespace vitrine::inline VITRINE_PRECISION {

// Of each row of S [T,T]:  p_j = s_j / (Σ_k s_k + ε); 0 where the mask forbids
void CpuBackend::normalise_rows(Tiles p, Tiles s, bool causal, Real epsilon) {
  each_tile(p, [&](int64_t b, int64_t h) {
    const Tensor P = p(b, h), S = s(b, h);
    for (int64_t i = 0; i < P.rows; ++i) {
      const int64_t n = causal ? i + 1 : P.cols;
      const Real* si = S.row(i);
      Real *pi = P.row(i), sum = epsilon;
#pragma omp simd reduction(+ : sum)
      for (int64_t j = 0; j < n; ++j) sum += si[j];
      const Real scale = 1 / sum;
#pragma omp simd
      for (int64_t j = 0; j < n; ++j) pi[j] = si[j] * scale;
      std::fill(pi + n, pi + P.cols, Real{0});
    }
  });
}

}  // namespace vitrine::inline VITRINE_PRECISION
