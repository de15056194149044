#include <algorithm>

#include "backend/cpu_backend.h"
#include "backend/ops/row_math.h"
#include "backend/ops/vector_math.h"

// Derived in layers/attention/linear.md. A sequence is worked through in chunks; between them stands only a state, the sums
// S = Σ_j φk_j v_jᵀ [m,d] and z = Σ_j φk_j [m] over the keys before the chunk (causal) or over all of them.
namespace vitrine::inline VITRINE_PRECISION {

// φ(x) = elu(x) + 1
void CpuBackend::elu_features_forward(Tensor y, Tensor x) {
  for (int64_t i = 0; i < x.rows; ++i) {
    const Real* xi = x.row(i);
    Real* yi = y.row(i);
#pragma omp simd
    for (int64_t j = 0; j < x.cols; ++j) yi[j] = xi[j] > 0 ? xi[j] + 1 : vexp(xi[j]);
  }
}

// φ'(x) = 1 above 0, eˣ = φ(x) below: min(φ(x), 1)
void CpuBackend::elu_features_backward(Tensor dx, Tensor dy, Tensor y) {
  for (int64_t i = 0; i < dy.rows; ++i) {
    const Real *dyi = dy.row(i), *yi = y.row(i);
    Real* dxi = dx.row(i);
#pragma omp simd
    for (int64_t j = 0; j < dy.cols; ++j) dxi[j] = dyi[j] * (yi[j] < 1 ? yi[j] : 1);
  }
}

namespace {

constexpr int64_t kChunk = 64;      // tokens
constexpr int64_t kRoom = 1 << 16;  // numbers of a chunk [tokens,d]

Real sum(const Real* x, int64_t n) {
  Real sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t j = 0; j < n; ++j) sum += x[j];
  return sum;
}

void scale_to(Real* y, const Real* x, Real scale, int64_t n) {
#pragma omp simd
  for (int64_t j = 0; j < n; ++j) y[j] = scale * x[j];
}

void add_to(Real* y, Real value, int64_t n) {
#pragma omp simd
  for (int64_t j = 0; j < n; ++j) y[j] += value;
}

// One head's state in the memory for them: S [m,d], then z [m].
struct State {
  Tensor S;
  Real* z;
};

void keep_lower(Tensor A) {  // j ≤ i
  for (int64_t i = 0; i < A.rows; ++i) std::fill(A.row(i) + i + 1, A.row(i) + A.cols, Real{0});
}

// A sequence's rows in chunks, each with all of its heads before the next: heads lie side by side in memory.
struct Chunks {
  int64_t row, T, H, m, d, size;
  Tensor states;  // k · H + h: the k-th of head h

  Chunks(const Tiles& f, const Tiles& v, int64_t b, Tensor memory, int64_t kinds)
      : row(v.packing->offset[b]),
        T(v.packing->length(b)),
        H(v.heads),
        m(f.base.cols / H),
        d(v.base.cols / H),
        size(std::clamp<int64_t>(kRoom / d, 1, kChunk)),
        states(memory) {
    std::fill_n(states.data, kinds * H * m * (d + 1), Real{0});
  }
  State state(int64_t k, int64_t h) const {
    Real* data = states.data + (k * H + h) * m * (d + 1);
    return {{data, m, d, d}, data + m * d};
  }
  // The columns of head h in `rows` rows from `first`.
  Tensor part(const Tiles& x, int64_t first, int64_t h) const {
    const int64_t cols = x.base.cols / H;
    return x.base.slice(row + first, rows(first)).columns(h * cols, cols);
  }
  int64_t rows(int64_t first) const { return std::min(size, T - first); }
  template <class F>
  void upwards(F f) const {  // f(first row, h)
    for (int64_t first = 0; first < T; first += size)
      for (int64_t h = 0; h < H; ++h) f(first, h);
  }
  template <class F>
  void downwards(F f) const {
    for (int64_t first = (T - 1) / size * size; first >= 0; first -= size)
      for (int64_t h = 0; h < H; ++h) f(first, h);
  }
};

}  // namespace

// For each chunk:  O = φq S,  n = φq z + ε;   causal: A = tril(φq φkᵀ),  O += A V,  n += rowsum A,  then S += φkᵀ V,  z += Σ φk;
// at the end  O = O / n
void CpuBackend::linear_attention_forward(Tiles o, Tensor n, Tiles fq, Tiles fk, Tiles v, const KernelWeights& how) {
  static_assert(kChunk * kChunk <= kScratch);
  const bool causal = how.causal;
  for (int64_t b = 0; b < v.packing->sequences(); ++b) {
    const Chunks chunks(fq, v, b, how.states, 1);
    const auto add_keys = [&](int64_t first, int64_t h) {
      const Tensor F = chunks.part(fk, first, h);
      const State keys = chunks.state(0, h);
      product(keys.S, F.T(), chunks.part(v, first, h), 1, Write::kAdd, nullptr);
      for (int64_t j = 0; j < F.rows; ++j) add_scaled_row(keys.z, F.row(j), 1, F.cols);
    };
    if (!causal) chunks.upwards(add_keys);
    chunks.upwards([&](int64_t first, int64_t h) {
      const Tensor F = chunks.part(fq, first, h), O = chunks.part(o, first, h), A{scratch_->data, F.rows, F.rows, F.rows};
      const State keys = chunks.state(0, h);
      product(O, F, keys.S, 1, Write::kSet, nullptr);
      if (causal) {
        product(A, F, chunks.part(fk, first, h).T(), 1, Write::kSet, nullptr);
        keep_lower(A);
        product(O, A, chunks.part(v, first, h), 1, Write::kAdd, nullptr);
      }
      for (int64_t i = 0; i < F.rows; ++i) {
        Real norm = how.epsilon + dot_row(F.row(i), keys.z, F.cols);
        if (causal) norm += sum(A.row(i), i + 1);
        n.row(chunks.row + first + i)[h] = norm;
        scale_to(O.row(i), O.row(i), 1 / norm, O.cols);
      }
      if (causal) add_keys(first, h);
    });
  }
}

// With u = dO/n, g = −rowsum(u ⊙ O) and the states S, z of the keys and S' = Σ_i φq_i u_iᵀ, z' = Σ_i g_i φq_i of the queries:
//   dφq = u Sᵀ + g zᵀ,   dφk = V S'ᵀ + 1 z'ᵀ,   dV = φk S'
// causal: S, z from the first chunk to the last, S', z' from the last to the first, and in the chunk, with B = tril(u Vᵀ + g 1ᵀ):
//   dφq += B φk,   dφk += Bᵀ φq,   dV += Aᵀ u
void CpuBackend::linear_attention_backward(Tiles dfq, Tiles dfk, Tiles dv, Tiles dout, Tiles o, Tensor n, Tiles fq, Tiles fk,
                                           Tiles v, const KernelWeights& how) {
  static_assert(2 * kChunk * kChunk + kChunk + kRoom <= kScratch);
  const bool causal = how.causal;
  Real *a = scratch_->data, *bs = a + kChunk * kChunk, *g = bs + kChunk * kChunk, *us = g + kChunk;
  for (int64_t b = 0; b < v.packing->sequences(); ++b) {
    const Chunks chunks(fq, v, b, how.states, 2);
    const auto read_u = [&](int64_t first, int64_t h) {  // and g
      const Tensor dO = chunks.part(dout, first, h), O = chunks.part(o, first, h), U{us, dO.rows, dO.cols, dO.cols};
      for (int64_t i = 0; i < U.rows; ++i) {
        scale_to(U.row(i), dO.row(i), 1 / n.row(chunks.row + first + i)[h], U.cols);
        g[i] = -dot_row(U.row(i), O.row(i), U.cols);
      }
      return U;
    };
    const auto pairs = [&](Tensor U, Tensor V) {  // B
      const Tensor B{bs, U.rows, U.rows, U.rows};
      product(B, U, V.T(), 1, Write::kSet, nullptr);
      for (int64_t i = 0; i < B.rows; ++i) add_to(B.row(i), g[i], i + 1);
      keep_lower(B);
      return B;
    };
    const auto add_keys = [&](int64_t first, int64_t h) {
      const Tensor F = chunks.part(fk, first, h);
      const State keys = chunks.state(0, h);
      product(keys.S, F.T(), chunks.part(v, first, h), 1, Write::kAdd, nullptr);
      for (int64_t j = 0; j < F.rows; ++j) add_scaled_row(keys.z, F.row(j), 1, F.cols);
    };
    const auto add_queries = [&](int64_t first, int64_t h, Tensor U) {
      const Tensor F = chunks.part(fq, first, h);
      const State queries = chunks.state(1, h);
      product(queries.S, F.T(), U, 1, Write::kAdd, nullptr);
      for (int64_t i = 0; i < F.rows; ++i) add_scaled_row(queries.z, F.row(i), g[i], F.cols);
    };

    if (!causal) chunks.upwards(add_keys);
    chunks.upwards([&](int64_t first, int64_t h) {
      const Tensor U = read_u(first, h), dF = chunks.part(dfq, first, h);
      const State keys = chunks.state(0, h);
      product(dF, U, keys.S.T(), 1, Write::kSet, nullptr);
      for (int64_t i = 0; i < dF.rows; ++i) add_scaled_row(dF.row(i), keys.z, g[i], dF.cols);
      if (causal) {
        product(dF, pairs(U, chunks.part(v, first, h)), chunks.part(fk, first, h), 1, Write::kAdd, nullptr);
        add_keys(first, h);
      } else {
        add_queries(first, h, U);
      }
    });
    chunks.downwards([&](int64_t first, int64_t h) {
      const Tensor F = chunks.part(fk, first, h), V = chunks.part(v, first, h);
      const Tensor dF = chunks.part(dfk, first, h), dV = chunks.part(dv, first, h);
      const State queries = chunks.state(1, h);
      product(dF, V, queries.S.T(), 1, Write::kSet, queries.z);
      product(dV, F, queries.S, 1, Write::kSet, nullptr);
      if (!causal) return;
      const Tensor Fi = chunks.part(fq, first, h), U = read_u(first, h), A{a, U.rows, U.rows, U.rows};
      product(A, Fi, F.T(), 1, Write::kSet, nullptr);
      keep_lower(A);
      product(dF, pairs(U, V).T(), Fi, 1, Write::kAdd, nullptr);
      product(dV, A.T(), U, 1, Write::kAdd, nullptr);
      add_queries(first, h, U);
    });
  }
}

}  // namespace vitrine::inline VITRINE_PRECISION
