#include <algorithm>
#include <limits>

#include "backend/cpu_backend.h"
#include "backend/ops/each_row.h"
#include "backend/ops/top_k_math.h"
#include "backend/ops/vector_math.h"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

// The k-th largest of n > k numbers: the largest x that k of them reach, by halving. A pass counts at the speed of vectors.
Ordered kth_largest(const Ordered* x, int64_t n, int64_t k) {
  Ordered low = x[0], high = x[0];
#pragma omp simd reduction(min : low) reduction(max : high)
  for (int64_t j = 0; j < n; ++j) {
    low = x[j] < low ? x[j] : low;
    high = x[j] > high ? x[j] : high;
  }
  while (low < high) {
    const Ordered middle = between(low, high);
    Ordered reached = 0;
#pragma omp simd reduction(+ : reached)
    for (int64_t j = 0; j < n; ++j) reached += x[j] >= middle ? 1 : 0;
    if (reached >= k)
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

}  // namespace

// Of each row of S:  P = softmax over its k largest entries, of equal ones the first; 0 elsewhere
void CpuBackend::top_k_forward(Tiles p, Tiles s, int64_t k, const Pattern& pattern) {
  auto* x = reinterpret_cast<Ordered*>(scratch_->data);
  each_row(p, pattern, [&](int64_t b, int64_t h, int64_t i, const std::vector<Keys>& seen) {
    const Real* si = s(b, h).row(i);
    Real* pi = p(b, h).row(i);
    int64_t n = 0;
    Real m = -std::numeric_limits<Real>::infinity(), sum = 0;
    for (const Keys& keys : seen) {
      const Real* from = si + keys.at;
#pragma omp simd reduction(max : m) reduction(+ : sum)
      for (int64_t j = 0; j < keys.count; ++j) {
        x[n + j] = ordered(from[j]);
        m = m < from[j] ? from[j] : m;
        sum += from[j] == from[j] ? 0 : from[j];  // NaN stays, selected or not
      }
      n += keys.count;
    }
    const Ordered least = n > k ? kth_largest(x, n, k) : std::numeric_limits<Ordered>::min();
    int64_t equal = k;  // how many of those at the border are kept
    for (int64_t j = 0; j < n; ++j) equal -= x[j] > least;
    int64_t done = 0, at = 0;
    for (const Keys& keys : seen) {
      std::fill(pi + done, pi + keys.at, Real{0});
      for (int64_t j = keys.at; j < keys.end(); ++j, ++at) {
        const bool kept = x[at] > least || (x[at] == least && equal-- > 0);
        pi[j] = kept ? vexp(si[j] - m) : 0;
        sum += pi[j];
      }
      done = keys.end();
    }
    std::fill(pi + done, pi + p.packing->length(b), Real{0});
    const Real scale = sum == 0 ? 0 : 1 / sum;
#pragma omp simd
    for (int64_t j = 0; j < done; ++j) pi[j] *= scale;
  });
}

}  // namespace vitrine::inline VITRINE_PRECISION
