#include <algorithm>
#include <cmath>
#include <limits>

#include "backend/cpu_backend.h"
#include "backend/ops/row_math.h"

// Derived in layers/attention/routing.md.
namespace vitrine::inline VITRINE_PRECISION {
namespace {

constexpr int64_t kCentroids = 8;  // whose scores are computed at once

// The rows of sequence b in what is laid out by clusters.
Tensor rows_of(const Members& m, Tensor x, int64_t b) {
  return x.slice(m.packing->offset[b] + b * m.clusters, m.packing->length(b) + m.clusters);
}

}  // namespace

// x̂ = (x − μ) r,  r = 1/√(σ² + ε)
void CpuBackend::normalise_heads_forward(Tiles y, Tensor rstd, Tiles x, Real epsilon) {
  each_tile(x, [&](int64_t b, int64_t h) {
    const Tensor X = x(b, h), Y = y(b, h);
    for (int64_t i = 0; i < X.rows; ++i) {
      const Real* xi = X.row(i);
      Real *yi = Y.row(i), sum = 0, squares = 0;
      const int64_t d = X.cols;
#pragma omp simd reduction(+ : sum)
      for (int64_t j = 0; j < d; ++j) sum += xi[j];
      const Real mean = sum / Real(d);
#pragma omp simd reduction(+ : squares)
      for (int64_t j = 0; j < d; ++j) squares += (xi[j] - mean) * (xi[j] - mean);
      const Real r = 1 / std::sqrt(squares / Real(d) + epsilon);
      rstd.row(x.packing->offset[b] + i)[h] = r;
#pragma omp simd
      for (int64_t j = 0; j < d; ++j) yi[j] = (xi[j] - mean) * r;
    }
  });
}

// dx = r (dy − mean(dy) − y mean(dy ⊙ y))                                             (layer_norm.md with γ = 1, β = 0)
void CpuBackend::normalise_heads_backward(Tiles dx, Tiles dy, Tiles y, Tensor rstd) {
  each_tile(y, [&](int64_t b, int64_t h) {
    const Tensor dX = dx(b, h), dY = dy(b, h), Y = y(b, h);
    const int64_t d = Y.cols;
    for (int64_t i = 0; i < Y.rows; ++i) {
      const Real *dyi = dY.row(i), *yi = Y.row(i), r = rstd.row(y.packing->offset[b] + i)[h];
      Real *dxi = dX.row(i), sum = 0, product = 0;
#pragma omp simd reduction(+ : sum, product)
      for (int64_t j = 0; j < d; ++j) {
        sum += dyi[j];
        product += dyi[j] * yi[j];
      }
      const Real mean = sum / Real(d), share = product / Real(d);
#pragma omp simd
      for (int64_t j = 0; j < d; ++j) dxi[j] = r * (dyi[j] - mean - yi[j] * share);
    }
  });
}

// score(k, i) = μ_k·x_i − |μ_k|²/2, larger where |x_i − μ_k| is smaller
void CpuBackend::route(Members members, Tensor nearest, Tiles x, Tensor centroids, Tensor work) {
  const int64_t c = members.clusters;
  each_tile(x, [&](int64_t b, int64_t h) {
    const Tensor X = x(b, h), places = rows_of(members, members.places, b);
    const int64_t T = X.rows, w = (T + c - 1) / c, row = x.packing->offset[b];
    Real* best = work.data + kCentroids * T;
    std::fill_n(best, T, -std::numeric_limits<Real>::infinity());
    order_.resize(std::max(order_.size(), static_cast<size_t>(T)));
    int32_t* order = order_.data();
    for (int64_t first = 0; first < c; first += kCentroids) {
      const Tensor M = centroids.slice(h * c + first, std::min(kCentroids, c - first)), scores{work.data, M.rows, T, T};
      product(scores, M, X.T(), 1, Write::kSet, nullptr);
      for (int64_t k = 0; k < M.rows; ++k) {
        const Real half = dot_row(M.row(k), M.row(k), M.cols) / 2, *score = scores.row(k);
        for (int64_t i = 0; i < T; ++i)
          if (score[i] - half > best[i]) best[i] = score[i] - half, nearest.row(row + i)[h] = Real(first + k);
        for (int64_t i = 0; i < T; ++i) order[i] = static_cast<int32_t>(i);
        const auto nearer = [score](int32_t i, int32_t j) { return score[i] != score[j] ? score[i] > score[j] : i < j; };
        if (w < T) std::nth_element(order, order + w, order + T, nearer);
        std::sort(order, order + w);
        for (int64_t i = 0; i < w; ++i) places.row((first + k) * w + i)[h] = Real(order[i]);
      }
    }
    for (int64_t i = c * w; i < places.rows; ++i) places.row(i)[h] = -1;
  });
}

void CpuBackend::count_members(Tensor counts, Members members) {
  fill(counts, 0);
  for (int64_t b = 0; b < members.packing->sequences(); ++b) {
    const Tensor places = rows_of(members, members.places, b);
    for (int64_t g = 0; g < places.rows; ++g)
      for (int64_t h = 0; h < places.cols; ++h)
        if (const Real i = places.row(g)[h]; i >= 0) counts.row(members.packing->offset[b] + static_cast<int64_t>(i))[h] += 1;
  }
}

void CpuBackend::gather_members(Tensor y, Tiles x, Members members, Tensor counts) {
  each_tile(x, [&](int64_t b, int64_t h) {
    const Tensor X = x(b, h), places = rows_of(members, members.places, b),
                 Y = rows_of(members, y, b).columns(h * X.cols, X.cols);
    for (int64_t g = 0; g < Y.rows; ++g) {
      const auto i = static_cast<int64_t>(places.row(g)[h]);
      std::fill_n(Y.row(g), Y.cols, Real{0});
      if (i >= 0) add_scaled_row(Y.row(g), X.row(i), counts.empty() ? 1 : 1 / counts.row(x.packing->offset[b] + i)[h], Y.cols);
    }
  });
}

void CpuBackend::scatter_members(Tiles x, Tensor y, Members members, Tensor counts) {
  each_tile(x, [&](int64_t b, int64_t h) {
    const Tensor X = x(b, h), places = rows_of(members, members.places, b),
                 Y = rows_of(members, y, b).columns(h * X.cols, X.cols);
    fill(X, 0);
    for (int64_t g = 0; g < Y.rows; ++g) {
      const auto i = static_cast<int64_t>(places.row(g)[h]);
      if (i >= 0) add_scaled_row(X.row(i), Y.row(g), counts.empty() ? 1 : 1 / counts.row(x.packing->offset[b] + i)[h], Y.cols);
    }
  });
}

void CpuBackend::scatter_weights(Tiles p, Tiles clustered, Members queries, Members keys, Tensor counts) {
  const int64_t c = queries.clusters;
  each_tile(p, [&](int64_t b, int64_t h) {
    const Tensor P = p(b, h), q = rows_of(queries, queries.places, b), k = rows_of(keys, keys.places, b);
    fill(P, 0);
    for (int64_t m = 0; m < c; ++m) {
      const Tensor W = clustered(b * (c + 1) + m, h);
      for (int64_t i = 0; i < W.rows; ++i) {
        const auto query = static_cast<int64_t>(q.row(m * W.rows + i)[h]);
        const Real share = 1 / counts.row(p.packing->offset[b] + query)[h];
        for (int64_t j = 0; j < W.cols; ++j) P.row(query)[static_cast<int64_t>(k.row(m * W.rows + j)[h])] += share * W.row(i)[j];
      }
    }
  });
}

void CpuBackend::add_to_centroids(Tensor sums, Tiles x, Tensor nearest) {
  const int64_t c = sums.rows / x.heads;
  each_tile(x, [&](int64_t b, int64_t h) {
    const Tensor X = x(b, h);
    for (int64_t i = 0; i < X.rows; ++i) {
      Real* sum = sums.row(h * c + static_cast<int64_t>(nearest.row(x.packing->offset[b] + i)[h]));
      add_scaled_row(sum, X.row(i), 1, X.cols);
      sum[X.cols] += 1;
    }
  });
}

void CpuBackend::move_centroids(Tensor centroids, Tensor sums, Real decay) {
  const int64_t d = centroids.cols;
  for (int64_t k = 0; k < centroids.rows; ++k) {
    const Real number = sums.row(k)[d];
    if (number == 0) continue;
    Real* mean = centroids.row(k);
    const Real* sum = sums.row(k);
    const Real share = (1 - decay) / number;
#pragma omp simd
    for (int64_t j = 0; j < d; ++j) mean[j] = decay * mean[j] + share * sum[j];
  }
}

}  // namespace vitrine::inline VITRINE_PRECISION
