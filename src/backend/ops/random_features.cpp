#include <algorithm>
#include <cmath>
#include <limits>

#include "backend/cpu_backend.h"
#include "backend/ops/vector_math.h"

// Derived in layers/attention/performer.md.
namespace vitrine::inline VITRINE_PRECISION {
namespace {

Real half_square(const Real* x, int64_t n, Real scale) {  // |scale x|²/2
  Real sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t j = 0; j < n; ++j) sum += x[j] * x[j];
  return sum * (scale * scale / 2);
}

Real largest(const Real* x, int64_t n) {
  Real most = -std::numeric_limits<Real>::infinity();
#pragma omp simd reduction(max : most)
  for (int64_t j = 0; j < n; ++j) most = most < x[j] ? x[j] : most;
  return most;
}

}  // namespace

// y = scale x ωᵀ, then y_r = e^(y_r − shift)/√m. Of a row, shift = max_r y_r: |x̃|²/2 goes with the maximum. Of a tile, shift = |x̃|²/2 + s.
void CpuBackend::random_features_forward(Tiles y, Tiles x, Tensor omega, Real scale, Stabiliser by) {
  each_tile(x, [&](int64_t b, int64_t h) {
    const Tensor X = x(b, h), Y = y(b, h);
    const int64_t m = Y.cols;
    const Real norm = 1 / std::sqrt(Real(m));
    product(Y, X, omega.slice(h * m, m).T(), scale, Write::kSet, nullptr);
    Real s = -std::numeric_limits<Real>::infinity();
    for (int64_t i = 0; by == Stabiliser::kTile && i < X.rows; ++i)
      s = std::max(s, largest(Y.row(i), m) - half_square(X.row(i), X.cols, scale));
    for (int64_t i = 0; i < X.rows; ++i) {
      Real* yi = Y.row(i);
      const Real shift = by == Stabiliser::kTile ? half_square(X.row(i), X.cols, scale) + s : largest(yi, m);
#pragma omp simd
      for (int64_t r = 0; r < m; ++r) yi[r] = vexp(yi[r] - shift) * norm;
    }
  });
}

// dx = scale ((dy ⊙ y) ω − rowsum(dy ⊙ y) scale x)
void CpuBackend::random_features_backward(Tiles dx, Tiles dy, Tiles y, Tiles x, Tensor omega, Real scale) {
  each_tile(x, [&](int64_t b, int64_t h) {
    const Tensor X = x(b, h), Y = y(b, h), dX = dx(b, h), dY = dy(b, h);
    const int64_t m = Y.cols;
    for (int64_t i = 0; i < X.rows; ++i) {
      const Real* yi = Y.row(i);
      Real *dyi = dY.row(i), *dxi = dX.row(i), sum = 0;
#pragma omp simd reduction(+ : sum)
      for (int64_t r = 0; r < m; ++r) {
        dyi[r] *= yi[r];
        sum += dyi[r];
      }
      const Real* xi = X.row(i);
      const Real factor = -scale * scale * sum;
#pragma omp simd
      for (int64_t j = 0; j < X.cols; ++j) dxi[j] = factor * xi[j];
    }
    product(dX, dY, omega.slice(h * m, m), scale, Write::kAdd, nullptr);
  });
}

}  // namespace vitrine::inline VITRINE_PRECISION
