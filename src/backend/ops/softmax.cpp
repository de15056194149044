#include <algorithm>
#include <limits>

#include "backend/cpu_backend.h"
#include "backend/ops/vector_math.h"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

// How many keys the query in row i of a tile may see: the first `visible` ones.
int64_t visible(Mask mask, int64_t i, int64_t keys) { return mask == Mask::kCausal ? std::min(i + 1, keys) : keys; }

constexpr int64_t kChunk = 16;  // a row of a causal tile is computed in whole vectors

}  // namespace

// Of each row of S [T,T]:  p_j = e^(s_j − m) / Σ_k e^(s_k − m),  m = max s; 0 where the mask forbids
void CpuBackend::softmax_forward(Tiles p, Tiles s, Mask mask) {
  each_tile(p, [&](int64_t b, int64_t h) {
    const Tensor P = p(b, h), S = s(b, h);
    for (int64_t i = 0; i < P.rows; ++i) {
      const int64_t n = visible(mask, i, P.cols), whole = std::min((n + kChunk - 1) / kChunk * kChunk, P.cols);
      const Real* si = S.row(i);
      Real* pi = P.row(i);
      Real m = -std::numeric_limits<Real>::infinity(), sum = 0;
#pragma omp simd reduction(max : m)
      for (int64_t j = 0; j < n; ++j) m = m < si[j] ? si[j] : m;
#pragma omp simd reduction(+ : sum)
      for (int64_t j = 0; j < whole; ++j) {
        pi[j] = j < n ? vexp(si[j] - m) : 0;
        sum += pi[j];
      }
      const Real scale = 1 / sum;
#pragma omp simd
      for (int64_t j = 0; j < whole; ++j) pi[j] *= scale;
      std::fill(pi + whole, pi + P.cols, Real{0});
    }
  });
}

// dS = P ⊙ (dP − rowsum(dP ⊙ P)); 0 where the mask forbids                                               (softmax.md)
void CpuBackend::softmax_backward(Tiles ds, Tiles dp, Tiles p, Mask mask) {
  each_tile(p, [&](int64_t b, int64_t h) {
    const Tensor dS = ds(b, h), dP = dp(b, h), P = p(b, h);
    for (int64_t i = 0; i < P.rows; ++i) {
      const int64_t n = visible(mask, i, P.cols);
      const Real *dpi = dP.row(i), *pi = P.row(i);
      Real* dsi = dS.row(i);
      Real dot = 0;
#pragma omp simd reduction(+ : dot)
      for (int64_t j = 0; j < n; ++j) dot += dpi[j] * pi[j];
#pragma omp simd
      for (int64_t j = 0; j < n; ++j) dsi[j] = pi[j] * (dpi[j] - dot);
      std::fill(dsi + n, dsi + P.cols, Real{0});
    }
  });
}

}  // namespace vitrine::inline VITRINE_PRECISION
