#include <algorithm>
#include <limits>

#include "backend/cpu_backend.h"
#include "backend/ops/each_row.h"
#include "backend/ops/vector_math.h"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

constexpr int64_t kChunk = 16;  // stretches of a row are computed in whole vectors
constexpr Real kForbidden = -std::numeric_limits<Real>::infinity();

}  // namespace

// Of each row of S [T,T]:  p_j = e^(s_j − m) / Σ_k e^(s_k − m),  m = max s; 0 where the pattern forbids
void CpuBackend::softmax_forward(Tiles p, Tiles s, const Pattern& pattern) {
  each_row(p, pattern, [&](int64_t b, int64_t h, int64_t i, const std::vector<Keys>& seen) {
    const int64_t T = p.packing->length(b);
    const Real* si = s(b, h).row(i);
    Real* pi = p(b, h).row(i);
    Real most = kForbidden, sum = 0;
    for (const Keys& k : seen) {
#pragma omp simd reduction(max : most)
      for (int64_t j = k.at; j < k.end(); ++j) most = most < si[j] ? si[j] : most;
    }
    const Real m = most == kForbidden ? 0 : most;  // where every score is −∞, nothing is seen
    int64_t done = 0;
    for (size_t n = 0; n < seen.size(); ++n) {
      const Keys k = seen[n];
      const int64_t end = k.end(), room = n + 1 < seen.size() ? seen[n + 1].at : T,
                    whole = std::min(k.at + (k.count + kChunk - 1) / kChunk * kChunk, room);
      std::fill(pi + done, pi + k.at, Real{0});
#pragma omp simd reduction(+ : sum)
      for (int64_t j = k.at; j < whole; ++j) {
        pi[j] = j < end ? vexp(si[j] - m) : 0;
        sum += pi[j];
      }
      done = whole;
    }
    std::fill(pi + done, pi + T, Real{0});
    const Real scale = sum == 0 ? 0 : 1 / sum;
#pragma omp simd
    for (int64_t j = seen.empty() ? done : seen[0].at; j < done; ++j) pi[j] *= scale;
  });
}

// dS = P ⊙ (dP − rowsum(dP ⊙ P)); 0 where the pattern forbids                                            (softmax.md)
void CpuBackend::softmax_backward(Tiles ds, Tiles dp, Tiles p, const Pattern& pattern) {
  each_row(p, pattern, [&](int64_t b, int64_t h, int64_t i, const std::vector<Keys>& seen) {
    const Real *dpi = dp(b, h).row(i), *pi = p(b, h).row(i);
    Real *dsi = ds(b, h).row(i), dot = 0;
    for (const Keys& k : seen) {
#pragma omp simd reduction(+ : dot)
      for (int64_t j = k.at; j < k.end(); ++j) dot += dpi[j] * pi[j];
    }
    int64_t done = 0;
    for (const Keys& k : seen) {
      std::fill(dsi + done, dsi + k.at, Real{0});
#pragma omp simd
      for (int64_t j = k.at; j < k.end(); ++j) dsi[j] = pi[j] * (dpi[j] - dot);
      done = k.end();
    }
    std::fill(dsi + done, dsi + p.packing->length(b), Real{0});
  });
}

}  // namespace vitrine::inline VITRINE_PRECISION
