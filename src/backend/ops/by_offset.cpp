#include <algorithm>

#include "backend/cpu_backend.h"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

// s_j += r[step·j]
void add_stepping(Real* s, const Real* r, int64_t step, int64_t n) {
  if (step == 1) {
#pragma omp simd
    for (int64_t j = 0; j < n; ++j) s[j] += r[j];
  } else if (step == -1) {
#pragma omp simd
    for (int64_t j = 0; j < n; ++j) s[j] += r[-j];
  } else if (step == 0 && n > 0) {
    const Real one = *r;
#pragma omp simd
    for (int64_t j = 0; j < n; ++j) s[j] += one;
  } else {
    for (int64_t j = 0; j < n; ++j) s[j] += r[step * j];
  }
}

// r[step·j] += s_j, in the order of j
void sum_stepping(Real* r, const Real* s, int64_t step, int64_t n) {
  if (step == 1) {
#pragma omp simd
    for (int64_t j = 0; j < n; ++j) r[j] += s[j];
  } else if (step == -1) {
#pragma omp simd
    for (int64_t j = 0; j < n; ++j) r[-j] += s[j];
  } else if (step == 0 && n > 0) {
    Real sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t j = 0; j < n; ++j) sum += s[j];
    *r += sum;
  } else {
    for (int64_t j = 0; j < n; ++j) r[step * j] += s[j];
  }
}

// Row i of S [T,T] falls into three parts: keys whose column is clamped at one end of R, keys whose column moves by one from each to
// the next, and keys at the other end. f(j, n, r, step) for each part: key j + m, m < n, has the number r[step·m].
template <class F>
void each_part(const Tensor& R, const ByOffset& which, int64_t i, int64_t T, F f) {
  const int64_t turn = which.reversed ? -1 : 1, next_row = which.of_key ? R.stride : 0, end = R.cols - 1;
  const int64_t begin = which.reversed ? i + which.centre - end : i - which.centre;  // the key of column 0, or of the last one
  const int64_t first = std::clamp<int64_t>(begin, 0, T), last = std::clamp<int64_t>(begin + R.cols, 0, T);
  const auto number = [&](int64_t j) {
    return R.row(which.of_key ? j : i) + std::clamp<int64_t>(which.centre + turn * (j - i), 0, end);
  };
  if (first > 0) f(0, first, number(0), next_row);
  if (first < last) f(first, last - first, number(first), next_row + turn);
  if (last < T) f(last, T - last, number(last), next_row);
}

}  // namespace

// S_ij += R_{r,c},  r = i or j,  c = clamp(centre ± (j − i), 0, columns − 1)
void CpuBackend::add_by_offset(Tiles s, Tiles r, ByOffset which) {
  each_tile(s, [&](int64_t b, int64_t h) {
    const Tensor S = s(b, h), R = r(b, h);
    for (int64_t i = 0; i < S.rows; ++i)
      each_part(R, which, i, S.cols,
                [&](int64_t j, int64_t n, const Real* from, int64_t step) { add_stepping(S.row(i) + j, from, step, n); });
  });
}

// dR_{r,c} += Σ dS_ij over the pairs i, j that it was added to
void CpuBackend::sum_by_offset(Tiles dr, Tiles ds, ByOffset which) {
  each_tile(ds, [&](int64_t b, int64_t h) {
    const Tensor dS = ds(b, h), dR = dr(b, h);
    for (int64_t i = 0; i < dS.rows; ++i)
      each_part(dR, which, i, dS.cols,
                [&](int64_t j, int64_t n, Real* to, int64_t step) { sum_stepping(to, dS.row(i) + j, step, n); });
  });
}

}  // namespace vitrine::inline VITRINE_PRECISION
