#include "backend/ops/packed_product.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace vitrine::inline VITRINE_PRECISION {
namespace {

constexpr int64_t kRows = PackedProduct::kRows, kColumns = PackedProduct::kColumns, kVector = PackedProduct::kVector;

constexpr int64_t kNear = 4096;               // numbers: half of a first-level cache
constexpr int64_t kLine = 64 / sizeof(Real);  // numbers of a cache line

typedef Real Vector __attribute__((vector_size(kVector * sizeof(Real))));
Vector load(const Real* x) {
  Vector v;
  std::memcpy(&v, x, sizeof v);
  return v;
}
void store(Real* x, Vector v) { std::memcpy(x, &v, sizeof v); }

// A matrix whose (i, j) is at data[i · row + j · column]: transposing swaps the steps.
struct Steps {
  const Real* data;
  int64_t row, column;
  const Real* at(int64_t i, int64_t j) const { return data + i * row + j * column; }
  Steps from(int64_t i, int64_t j) const { return {at(i, j), row, column}; }
};

Steps steps(Operand<Tensor> x) { return {x.view.data, x.transposed ? 1 : x.view.stride, x.transposed ? x.view.stride : 1}; }

// a₀ b₀ a₁ b₁ …: the halves of both, from the first
template <size_t... i>
Vector interleave_low(Vector a, Vector b, std::index_sequence<i...>) {
  return __builtin_shufflevector(a, b, (i % 2 * kVector + i / 2)...);
}
template <size_t... i>
Vector interleave_high(Vector a, Vector b, std::index_sequence<i...>) {
  return __builtin_shufflevector(a, b, (i % 2 * kVector + (i + kVector) / 2)...);
}

// out[k][i] = x[i][k] for i, k < kVector, and 0 for i ≥ rows: interleaving rows i and i + kVector/2, log₂ kVector times, transposes.
void transpose(Real* out, int64_t out_step, const Real* x, int64_t step, int64_t rows) {
  constexpr auto lanes = std::make_index_sequence<kVector>{};
  std::array<Vector, kVector> v, next;
  for (int64_t i = 0; i < kVector; ++i) v[i] = i < rows ? load(x + i * step) : Vector{};
  for (int64_t round = 1; round < kVector; round *= 2) {
    for (int64_t i = 0; i < kVector / 2; ++i) {
      next[2 * i] = interleave_low(v[i], v[i + kVector / 2], lanes);
      next[2 * i + 1] = interleave_high(v[i], v[i + kVector / 2], lanes);
    }
    v = next;
  }
  for (int64_t k = 0; k < kVector; ++k) store(out + k * out_step, v[k]);
}

// out[k][j] = b(k, j) for the `width` ≤ kColumns columns from the first, and 0 for the others of their last vector
void pack_columns(Real* out, Steps b, int64_t width, int64_t depth) {
  for (int64_t j = 0; j < width; j += kVector) {
    const bool whole = j + kVector <= width;
    int64_t k = 0;
    if (whole && b.column == 1) {
      for (; k < depth; ++k) store(out + k * kColumns + j, load(b.at(k, j)));
    } else if (b.row == 1) {
      for (; k + kVector <= depth; k += kVector) transpose(out + k * kColumns + j, kColumns, b.at(k, j), b.column, width - j);
    }
    for (; k < depth; ++k) {
      for (int64_t l = j; l < j + kVector; ++l) out[k * kColumns + l] = l < width ? *b.at(k, l) : 0;
    }
  }
}

// out[i / kRows][k][i mod kRows] = a(i, k) for a whose columns are contiguous: row after row as they lie in memory
void pack_rows(Real* out, Steps a, int64_t rows, int64_t depth) {
  for (int64_t k = 0; k < depth; ++k) {
    const Real* ak = a.at(0, k);
    int64_t i = 0;
    for (; i + kRows <= rows; i += kRows) std::memcpy(out + i * depth + k * kRows, ak + i, kRows * sizeof(Real));
    std::copy(ak + i, ak + rows, out + i * depth + k * kRows);
  }
}

// Where a block of C goes, and what it is added to: C itself, a bias (the same row again: stride 0), or nothing.
struct Target {
  Real* c;
  int64_t stride, columns;
  const Real* from;
  int64_t from_stride;
};

// c [rows, columns] = from + scale · Σ_k a(·, k) b(k, ·),  columns ≤ vectors · kVector
template <int64_t rows, int64_t vectors>
void block(const Target& t, Steps a, const Real* b, int64_t depth, Real scale) {
  Vector sum[rows][vectors];
  for (int64_t i = 0; i < rows; ++i) {  // adding to 0, without writing 0 to memory first
    for (int64_t v = 0; v < vectors; ++v) sum[i][v] = *a.at(i, 0) * load(b + v * kVector) + Vector{};
  }
  for (int64_t k = 1; k < depth; ++k) {
    b += kColumns;
    Vector bk[vectors];
    for (int64_t v = 0; v < vectors; ++v) bk[v] = load(b + v * kVector);
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t v = 0; v < vectors; ++v) sum[i][v] += *a.at(i, k) * bk[v];
    }
  }
  if (t.columns == vectors * kVector) {
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t v = 0; v < vectors; ++v) {
        Real* ci = t.c + i * t.stride + v * kVector;
        store(ci, t.from ? load(t.from + i * t.from_stride + v * kVector) + scale * sum[i][v] : scale * sum[i][v]);
      }
    }
  } else {
    Real from[vectors * kVector] = {}, row[vectors * kVector];
    for (int64_t i = 0; i < rows; ++i) {
      if (t.from) std::copy_n(t.from + i * t.from_stride, t.columns, from);
      for (int64_t v = 0; v < vectors; ++v) store(row + v * kVector, load(from + v * kVector) + scale * sum[i][v]);
      std::copy_n(row, t.columns, t.c + i * t.stride);
    }
  }
}

// The block for this number of rows: kRows, or fewer at the end of a matrix.
template <int64_t most = kRows>
void block_of(int64_t rows, const Target& t, Steps a, const Real* b, int64_t depth, Real scale) {
  if constexpr (most > 1) {
    if (rows < most) return block_of<most - 1>(rows, t, a, b, depth, scale);
  }
  if (t.columns > kVector) return block<most, 2>(t, a, b, depth, scale);
  return block<most, 1>(t, a, b, depth, scale);
}

// Asks for rows that are needed soon: products of thin matrices wait for memory otherwise.
void prefetch(const Real* x, int64_t stride, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; j += kLine) __builtin_prefetch(x + i * stride + j);
  }
}
void prefetch_to_write(Real* x, int64_t stride, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; j += kLine) __builtin_prefetch(x + i * stride + j, 1);
  }
}

}  // namespace

void PackedProduct::operator()(Tensor c, Operand<Tensor> a, Operand<Tensor> b, Real scale, bool add, const Real* bias) {
  const Steps A = steps(a), B = steps(b);
  const int64_t M = c.rows, N = c.cols, K = a.transposed ? a.view.rows : a.view.cols;
  if (K == 0 && !add) {
    for (int64_t i = 0; i < M; ++i) bias ? std::copy_n(bias, N, c.row(i)) : std::fill_n(c.row(i), N, Real{0});
  }
  // The innermost loop reads kRows rows of A side by side. That is well when they are rows in memory, or all of A is near.
  const bool pack_a = a.transposed && M * K > kNear;
  for (int64_t n = 0; n < N; n += kBlockColumns) {
    const int64_t n_end = std::min(n + kBlockColumns, N);
    for (int64_t k = 0; k < K; k += kBlockDepth) {
      const int64_t depth = std::min(kBlockDepth, K - k);
      for (int64_t j = n; j < n_end; j += kColumns) {
        pack_columns(b_.data() + (j - n) * depth, B.from(k, j), std::min(kColumns, n_end - j), depth);
      }
      for (int64_t m = 0; m < M; m += kBlockRows) {
        const int64_t m_end = std::min(m + kBlockRows, M);
        if (pack_a) pack_rows(a_.data(), A.from(m, k), m_end - m, depth);
        for (int64_t j = n; j < n_end; j += kColumns) {
          for (int64_t i = m; i < m_end; i += kRows) {
            const Steps rows = pack_a ? Steps{a_.data() + (i - m) * depth, 1, kRows} : A.from(i, k);
            const int64_t row_count = std::min(kRows, m_end - i);
            Target target{c.row(i) + j, c.stride, std::min(kColumns, n_end - j), bias ? bias + j : nullptr, 0};
            if (add || k > 0) target.from = target.c, target.from_stride = c.stride;
            prefetch_to_write(target.c, c.stride, row_count, target.columns);
            if (j == n && A.column == 1) prefetch(A.at(i + row_count, k), A.row, std::min(kRows, m_end - i - row_count), depth);
            block_of(row_count, target, rows, b_.data() + (j - n) * depth, depth, scale);
          }
        }
      }
    }
  }
}

}  // namespace vitrine::inline VITRINE_PRECISION
