#pragma once
#include <algorithm>

#include "backend/ops/warp.cuh"

// Sums over rows, of biases and of the gains of norms, in two stages without atomics: blocks sum chunks of rows, then one thread for each
// column adds the chunks in order. How rows are cut depends on the shape alone.
namespace vitrine::inline VITRINE_PRECISION {

namespace column_sum_detail {

constexpr int kColumns = 32, kRows = 8;

// part[chunk, s, j] = Σ over the chunk's rows i of f(i, j)[s]
template <int kSums, class F>
__global__ void chunks_kernel(Real* part, F f, int64_t rows, int64_t cols, int64_t rows_of_chunk) {
  __shared__ Real sums[kSums][kRows][kColumns + 1];
  const int64_t j = int64_t{blockIdx.x} * kColumns + threadIdx.x, first = blockIdx.y * rows_of_chunk,
                end = std::min(rows, first + rows_of_chunk);
  Real sum[kSums] = {};
  if (j < cols)
    for (int64_t i = first + threadIdx.y; i < end; i += kRows) f(sum, i, j);
  for (int s = 0; s < kSums; ++s) sums[s][threadIdx.y][threadIdx.x] = sum[s];
  __syncthreads();
  if (threadIdx.y != 0 || j >= cols) return;
  for (int s = 0; s < kSums; ++s) {
    Real total = 0;
    for (int r = 0; r < kRows; ++r) total += sums[s][r][threadIdx.x];
    part[(blockIdx.y * kSums + s) * cols + j] = total;
  }
}

template <int kSums>
struct Totals {
  Real* at[kSums];
};

template <int kSums>
__global__ void add_chunks_kernel(Totals<kSums> totals, const Real* part, int64_t cols, int64_t chunks) {
  const int64_t j = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (j >= cols) return;
  for (int s = 0; s < kSums; ++s) {
    Real total = totals.at[s][j];
    for (int64_t c = 0; c < chunks; ++c) total += part[(c * kSums + s) * cols + j];
    totals.at[s][j] = total;
  }
}

}  // namespace column_sum_detail

// How many chunks, of how many rows: enough blocks to fill a device, in no more memory than that needs.
struct RowChunks {
  int64_t count, rows;
  RowChunks(int64_t N, int64_t cols) {
    constexpr int64_t kLeast = 64, kBlocks = 2048;
    const int64_t most = std::max<int64_t>(1, kBlocks * column_sum_detail::kColumns / std::max<int64_t>(cols, 1));
    rows = std::max(kLeast, (N + most - 1) / most);
    count = (N + rows - 1) / rows;
  }
  int64_t numbers(int64_t cols, int64_t sums) const { return count * cols * sums; }
};

// totals[s]_j += Σ_i f(i, j)[s];  f(sum, i, j) adds what row i gives to the sums of column j. `part`: chunks.numbers(cols, kSums) numbers
template <int kSums, class F>
void add_column_sums(LaunchStream at, column_sum_detail::Totals<kSums> totals, F f, int64_t rows, int64_t cols, RowChunks chunks,
                     Real* part) {
  using namespace column_sum_detail;
  constexpr int kThreads = 128;
  launch(chunks_kernel<kSums, F>, dim3(blocks_of(cols, kColumns), static_cast<unsigned>(chunks.count)), dim3(kColumns, kRows), 0,
         at, part, f, rows, cols, chunks.rows);
  launch(add_chunks_kernel<kSums>, blocks_of(cols, kThreads), kThreads, 0, at, totals, part, cols, chunks.count);
}

}  // namespace vitrine::inline VITRINE_PRECISION
