#include <algorithm>
#include <cmath>
#include <limits>

#include "backend/cpu_backend.h"
#include "backend/ops/dropout.h"
#include "backend/ops/vector_math.h"

// Derived in layers/attention/fused.md. A block of weights is kRows queries × kKeys keys: large enough for products at full speed, small
// enough to stay in a core's second-level cache from the product that makes it to the one that uses it.
namespace vitrine::inline VITRINE_PRECISION {
namespace {

constexpr int64_t kRows = 192, kKeys = 256;

// Keys from 0 that the queries up to `last` − 1 may see.
int64_t keys_seen(Mask mask, int64_t last, int64_t T) { return mask == Mask::kCausal ? last : T; }
// Of these, the ones in a block from key k that query i sees.
int64_t visible(Mask mask, int64_t i, int64_t k, int64_t keys) {
  return mask == Mask::kCausal ? std::clamp<int64_t>(i + 1 - k, 0, keys) : keys;
}

// One step of the online softmax of a row: s becomes e^(s − m) with the new maximum m of the row so far; sum is theirs so far.
// Returns e^(old m − m), by which everything that was summed before shrinks.                    (Milakov and Gimelshein 2018)
Real online_softmax(Real* s, int64_t n, Real& m, Real& sum) {
  Real most = m, added = 0;
#pragma omp simd reduction(max : most)
  for (int64_t j = 0; j < n; ++j) most = most < s[j] ? s[j] : most;
  const Real shrink = m == most ? 1 : vexp(m - most);
  m = most;
#pragma omp simd reduction(+ : added)
  for (int64_t j = 0; j < n; ++j) {
    s[j] = vexp(s[j] - most);
    added += s[j];
  }
  sum = sum * shrink + added;
  return shrink;
}

void scale_row(Real* x, int64_t n, Real factor) {
#pragma omp simd
  for (int64_t j = 0; j < n; ++j) x[j] *= factor;
}

}  // namespace

// For each block of queries, over the blocks of keys:  S = scale Q Kᵀ,  m' = max(m, max S),  P = e^(S − m'),
// ℓ = ℓ e^(m − m') + rowsum P,  O = O e^(m − m') + dropout(P) V;  at the end  O = O / ℓ,  lse = m + log ℓ
void CpuBackend::fused_attention_forward(Tiles o, Tensor lse, Tiles q, Tiles k, Tiles v, const AttentionWeights& how) {
  static_assert(kRows * kKeys + 2 * kRows <= kScratch / 2);
  Real *most = scratch_->data + kRows * kKeys, *sum = most + kRows;
  each_tile(q, [&](int64_t b, int64_t h) {
    const Tensor Q = q(b, h), K = k(b, h), V = v(b, h), O = o(b, h);
    const int64_t T = Q.rows, row = q.packing->offset[b];
    const RngKey key{how.key.seed, how.key.stream + static_cast<uint32_t>(h), how.key.step};
    for (int64_t first = 0; first < T; first += kRows) {
      const int64_t rows = std::min(kRows, T - first);
      std::fill_n(most, rows, -std::numeric_limits<Real>::infinity());
      std::fill_n(sum, rows, Real{0});
      const Tensor Oi = O.slice(first, rows);
      const int64_t seen = keys_seen(how.mask, first + rows, T);
      for (int64_t at = 0; at < seen; at += kKeys) {
        const int64_t keys = std::min(kKeys, seen - at);
        const Tensor S{scratch_->data, rows, keys, keys};
        product(S, Q.slice(first, rows), K.slice(at, keys).T(), how.scale, Write::kSet, nullptr);
        for (int64_t i = 0; i < rows; ++i) {
          const int64_t n = visible(how.mask, first + i, at, keys);
          const Real shrink = n > 0 ? online_softmax(S.row(i), n, most[i], sum[i]) : 1;
          std::fill(S.row(i) + n, S.row(i) + keys, Real{0});
          if (at > 0 && shrink != 1) scale_row(Oi.row(i), Oi.cols, shrink);
          if (how.rate > 0)
            dropout_row(S.row(i), S.row(i), at, n, how.rate, key, static_cast<uint32_t>(how.first_row + row + first + i));
        }
        product(Oi, S, V.slice(at, keys), 1, at > 0 ? Write::kAdd : Write::kSet, nullptr);
      }
      for (int64_t i = 0; i < rows; ++i) {
        scale_row(Oi.row(i), Oi.cols, 1 / sum[i]);
        lse.row(row + first + i)[h] = most[i] + std::log(sum[i]);
      }
    }
  });
}

// For each block of queries, over the blocks of keys:  P = e^(S − lse),  dV += dropout(P)ᵀ dO,  dP = dropout(dO Vᵀ),
// dS = P ⊙ (dP − rowsum(dO ⊙ O)),  dQ += scale dS K,  dK += scale dSᵀ Q
void CpuBackend::fused_attention_backward(Tiles dq, Tiles dk, Tiles dv, Tiles dout, Tiles o, Tensor lse, Tiles q, Tiles k,
                                          Tiles v, const AttentionWeights& how) {
  static_assert(2 * kRows * kKeys + kRows <= kScratch);
  Real *weights = scratch_->data, *gradients = weights + kRows * kKeys, *dots = gradients + kRows * kKeys;
  each_tile(q, [&](int64_t b, int64_t h) {
    const Tensor Q = q(b, h), K = k(b, h), V = v(b, h), O = o(b, h), dO = dout(b, h), dQ = dq(b, h), dK = dk(b, h), dV = dv(b, h);
    const int64_t T = Q.rows, row = q.packing->offset[b];
    const RngKey key{how.key.seed, how.key.stream + static_cast<uint32_t>(h), how.key.step};
    fill(dK, 0), fill(dV, 0);  // every block of queries adds to them
    for (int64_t first = 0; first < T; first += kRows) {
      const int64_t rows = std::min(kRows, T - first);
      const Tensor Qi = Q.slice(first, rows), dOi = dO.slice(first, rows), dQi = dQ.slice(first, rows);
      for (int64_t i = 0; i < rows; ++i) {
        const Real *x = dOi.row(i), *y = O.row(first + i);
        Real dot = 0;
#pragma omp simd reduction(+ : dot)
        for (int64_t j = 0; j < O.cols; ++j) dot += x[j] * y[j];
        dots[i] = dot;
      }
      const int64_t seen = keys_seen(how.mask, first + rows, T);
      for (int64_t at = 0; at < seen; at += kKeys) {
        const int64_t keys = std::min(kKeys, seen - at);
        const Tensor P{weights, rows, keys, keys}, dP{gradients, rows, keys, keys}, Kj = K.slice(at, keys);
        product(P, Qi, Kj.T(), how.scale, Write::kSet, nullptr);
        product(dP, dOi, V.slice(at, keys).T(), 1, Write::kSet, nullptr);
        for (int64_t i = 0; i < rows; ++i) {
          const int64_t n = visible(how.mask, first + i, at, keys);
          const auto drop = [&](Real* x) {
            if (how.rate > 0) dropout_row(x, x, at, n, how.rate, key, static_cast<uint32_t>(how.first_row + row + first + i));
          };
          Real *p = P.row(i), *dp = dP.row(i);
          const Real L = lse.row(row + first + i)[h], dot = dots[i];
          drop(dp);
#pragma omp simd
          for (int64_t j = 0; j < n; ++j) {
            p[j] = vexp(p[j] - L);
            dp[j] = p[j] * (dp[j] - dot);
          }
          drop(p);
          std::fill(p + n, p + keys, Real{0});
          std::fill(dp + n, dp + keys, Real{0});
        }
        product(dV.slice(at, keys), P.T(), dOi, 1, Write::kAdd, nullptr);
        product(dK.slice(at, keys), dP.T(), Qi, how.scale, Write::kAdd, nullptr);
        product(dQi, dP, Kj, how.scale, at > 0 ? Write::kAdd : Write::kSet, nullptr);
      }
    }
  });
}

}  // namespace vitrine::inline VITRINE_PRECISION
