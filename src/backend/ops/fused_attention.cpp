#include <algorithm>
#include <cmath>
#include <limits>

#include "backend/cpu_backend.h"
#include "backend/ops/dropout.h"
#include "backend/ops/row_math.h"
#include "backend/ops/vector_math.h"

// Derived in layers/attention/fused.md. A block of weights is at most kRows queries × kKeys keys: large enough for products at full speed,
// small enough to stay in a core's second-level cache from the product that makes it to the one that uses it. Only blocks are made in
// which the pattern lets a query see a key.
namespace vitrine::inline VITRINE_PRECISION {
namespace {

constexpr int64_t kRows = 192, kKeys = 256;
constexpr Real kForbidden = -std::numeric_limits<Real>::infinity();

// What head h sees: no offset farther out than all that the bias lists and does not forbid (−∞) on both sides.
Pattern pattern_of(const AttentionWeights& how, int64_t h) {
  Pattern pattern = how.pattern;
  pattern.window = pattern.window_of(h), pattern.windows = {};
  if (how.bias.empty() || pattern.block > 0) return pattern;
  int64_t reach = how.bias.cols / 2;
  const Real* centre = how.bias.row(h) + reach;
  while (reach > 0 && centre[reach] == kForbidden && centre[-reach] == kForbidden) --reach;
  pattern.window = pattern.window < 0 ? reach : std::min(pattern.window, reach);
  return pattern;
}

// bias[h, W + j − i] for the keys j of query i, from key 0 on; W = ⌊cols/2⌋.
Real* bias_of(Tensor bias, int64_t h, int64_t i) { return bias.row(h) + bias.cols / 2 - i; }

// Of the keys in a block, those that query i sees, counted from the block's first.
Keys visible(const Pattern& pattern, int64_t h, int64_t i, int64_t T, Keys block) {
  const Keys ends = pattern.ends(h, i, T);
  const int64_t from = std::clamp(ends.at - block.at, int64_t{0}, block.count);
  return {from, std::clamp(ends.end() - block.at, from, block.count) - from};
}

void clear_outside(Real* row, Keys kept, int64_t count) {
  std::fill(row, row + kept.at, Real{0});
  std::fill(row + kept.end(), row + count, Real{0});
}

// One step of the online softmax of a row: s becomes e^(s − m) with the new maximum m of the row so far; sum is theirs so far.
// Returns e^(old m − m), by which everything that was summed before shrinks.                    (Milakov and Gimelshein 2018)
Real online_softmax(Real* s, int64_t n, Real& m, Real& sum) {
  Real most = m, added = 0;
#pragma omp simd reduction(max : most)
  for (int64_t j = 0; j < n; ++j) most = most < s[j] ? s[j] : most;
  if (most == kForbidden) return std::fill_n(s, n, Real{0}), 1;
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

void add_row(Real* y, const Real* x, int64_t n) {
#pragma omp simd
  for (int64_t j = 0; j < n; ++j) y[j] += x[j];
}

}  // namespace

// f(block, is_first) for the blocks of keys that rows first … first + rows − 1 of head h see.
template <class F>
void CpuBackend::each_block(const Pattern& pattern, int64_t h, int64_t first, int64_t rows, int64_t T, F f) {
  pattern.seen_by(keys_, h, first, rows, T);
  bool is_first = true;
  for (const Keys& seen : keys_)
    for (int64_t at = seen.at; at < seen.end(); at += kKeys, is_first = false)
      f(Keys{at, std::min(kKeys, seen.end() - at)}, is_first);
}

// For each block of queries, over the blocks of keys:  S = scale Q Kᵀ + bias,  m' = max(m, max S),  P = e^(S − m'),
// ℓ = ℓ e^(m − m') + rowsum P,  O = O e^(m − m') + dropout(P) V;  at the end  O = O / ℓ,  lse = m + log ℓ.  No key: O = 0, lse = −∞
void CpuBackend::fused_attention_forward(Tiles o, Tensor lse, Tiles q, Tiles k, Tiles v, const AttentionWeights& how) {
  static_assert(kRows * kKeys + 2 * kRows <= kScratch / 2);
  Real *most = scratch_->data + kRows * kKeys, *sum = most + kRows;
  each_tile(q, [&](int64_t b, int64_t h) {
    const Tensor Q = q(b, h), K = k(b, h), V = v(b, h), O = o(b, h);
    const int64_t T = Q.rows, row = q.packing->offset[b];
    const Pattern pattern = pattern_of(how, h);
    const RngKey key{how.key.seed, how.key.stream + static_cast<uint32_t>(h), how.key.step};
    for (int64_t first = 0, rows; first < T; first += rows) {
      rows = pattern.rows_alike(h, first, T, kRows);
      std::fill_n(most, rows, kForbidden);
      std::fill_n(sum, rows, Real{0});
      const Tensor Oi = O.slice(first, rows);
      bool sees = false;
      each_block(pattern, h, first, rows, T, [&](Keys block, bool is_first) {
        const auto [at, keys] = block;
        const Tensor S{scratch_->data, rows, keys, keys};
        product(S, Q.slice(first, rows), K.slice(at, keys).T(), how.scale, Write::kSet, nullptr);
        for (int64_t i = 0; i < rows; ++i) {
          const Keys seen = visible(pattern, h, first + i, T, block);
          Real* s = S.row(i) + seen.at;
          clear_outside(S.row(i), seen, keys);
          if (seen.count > 0 && !how.bias.empty()) add_row(s, bias_of(how.bias, h, first + i) + at + seen.at, seen.count);
          const Real shrink = seen.count > 0 ? online_softmax(s, seen.count, most[i], sum[i]) : 1;
          if (!is_first && shrink != 1) scale_row(Oi.row(i), Oi.cols, shrink);
          if (how.rate > 0)
            dropout_row(s, s, at + seen.at, seen.count, how.rate, key, static_cast<uint32_t>(how.first_row + row + first + i));
        }
        product(Oi, S, V.slice(at, keys), 1, is_first ? Write::kSet : Write::kAdd, nullptr);
        sees = true;
      });
      if (!sees) fill(Oi, 0);
      for (int64_t i = 0; i < rows; ++i) {
        if (sum[i] > 0) scale_row(Oi.row(i), Oi.cols, 1 / sum[i]);
        lse.row(row + first + i)[h] = most[i] + std::log(sum[i]);
      }
    }
  });
}

// For each block of queries, over the blocks of keys:  P = e^(S − lse),  dV += dropout(P)ᵀ dO,  dP = dropout(dO Vᵀ),
// dS = P ⊙ (dP − rowsum(dO ⊙ O)),  dbias_(j − i) += dS_ij,  dQ += scale dS K,  dK += scale dSᵀ Q
void CpuBackend::fused_attention_backward(Tiles dq, Tiles dk, Tiles dv, Tensor dbias, Tiles dout, Tiles o, Tensor lse, Tiles q,
                                          Tiles k, Tiles v, const AttentionWeights& how) {
  static_assert(2 * kRows * kKeys + kRows <= kScratch);
  Real *weights = scratch_->data, *gradients = weights + kRows * kKeys, *dots = gradients + kRows * kKeys;
  each_tile(q, [&](int64_t b, int64_t h) {
    const Tensor Q = q(b, h), K = k(b, h), V = v(b, h), O = o(b, h), dO = dout(b, h), dQ = dq(b, h), dK = dk(b, h), dV = dv(b, h);
    const int64_t T = Q.rows, row = q.packing->offset[b];
    const Pattern pattern = pattern_of(how, h);
    const RngKey key{how.key.seed, how.key.stream + static_cast<uint32_t>(h), how.key.step};
    fill(dK, 0), fill(dV, 0);  // every block of queries adds to them
    for (int64_t first = 0, rows; first < T; first += rows) {
      rows = pattern.rows_alike(h, first, T, kRows);
      const Tensor Qi = Q.slice(first, rows), dOi = dO.slice(first, rows), dQi = dQ.slice(first, rows);
      for (int64_t i = 0; i < rows; ++i) {
        dots[i] = dot_row(dOi.row(i), O.row(first + i), O.cols);
      }
      bool sees = false;
      each_block(pattern, h, first, rows, T, [&](Keys block, bool is_first) {
        const auto [at, keys] = block;
        const Tensor P{weights, rows, keys, keys}, dP{gradients, rows, keys, keys}, Kj = K.slice(at, keys);
        product(P, Qi, Kj.T(), how.scale, Write::kSet, nullptr);
        product(dP, dOi, V.slice(at, keys).T(), 1, Write::kSet, nullptr);
        for (int64_t i = 0; i < rows; ++i) {
          const Real L = lse.row(row + first + i)[h], dot = dots[i];
          const Keys seen = L == kForbidden ? Keys{} : visible(pattern, h, first + i, T, block);
          const int64_t from = at + seen.at, n = seen.count;
          const auto drop = [&](Real* x) {
            if (how.rate > 0) dropout_row(x, x, from, n, how.rate, key, static_cast<uint32_t>(how.first_row + row + first + i));
          };
          Real *p = P.row(i) + seen.at, *dp = dP.row(i) + seen.at;
          if (n > 0 && !how.bias.empty()) add_row(p, bias_of(how.bias, h, first + i) + from, n);
          drop(dp);
#pragma omp simd
          for (int64_t j = 0; j < n; ++j) {
            p[j] = vexp(p[j] - L);
            dp[j] = p[j] * (dp[j] - dot);
          }
          if (n > 0 && !dbias.empty()) add_row(bias_of(dbias, h, first + i) + from, dp, n);
          drop(p);
          clear_outside(P.row(i), seen, keys), clear_outside(dP.row(i), seen, keys);
        }
        product(dV.slice(at, keys), P.T(), dOi, 1, Write::kAdd, nullptr);
        product(dK.slice(at, keys), dP.T(), Qi, how.scale, Write::kAdd, nullptr);
        product(dQi, dP, Kj, how.scale, is_first ? Write::kSet : Write::kAdd, nullptr);
        sees = true;
      });
      if (!sees) fill(dQi, 0);
    }
  });
}

}  // namespace vitrine::inline VITRINE_PRECISION
