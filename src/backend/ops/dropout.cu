#include "backend/ops/dropout_mask.cuh"
#include "backend/ops/tiles.cuh"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

// y = x ⊙ keep / (1 − rate) of columns 4·quad … 4·quad + 3 of a row of n
__device__ void drop_quad(Real* y, const Real* x, int64_t n, int64_t quad, const DropoutMask& mask, int64_t row) {
  const DropoutMask::Factors factors = mask.factors(row, quad);
  for (int k = 0; k < 4; ++k)
    if (const int64_t j = 4 * quad + k; j < n) y[j] = factors.of[k] == 0 ? 0 : x[j] * factors.of[k];
}

// rows: null, or which rows of the batch these are
__global__ void dropout_kernel(Tensor y, Tensor x, DropoutMask mask, int64_t first_row, const int32_t* rows) {
  const int64_t quad = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (4 * quad >= y.cols) return;
  for (int64_t i = int64_t{blockIdx.y} * blockDim.y + threadIdx.y; i < y.rows; i += int64_t{gridDim.y} * blockDim.y)
    drop_quad(y.row(i), x.row(i), y.cols, quad, mask, first_row + (rows ? rows[i] : i));
}

template <int kLanes>
__global__ void dropout_tiles_kernel(DeviceTiles y, DeviceTiles x, DevicePacking packing, DropoutMask mask, int64_t first_row) {
  const int64_t at = row_of_thread();
  if (at >= packing.tokens) return;
  const TileRow row(packing, at);
  const Tensor Y = y(packing, row.b, row.h), X = x(packing, row.b, row.h);
  const DropoutMask head = mask.of_head(row.h);
  for (int64_t quad = threadIdx.x; 4 * quad < Y.cols; quad += kLanes)
    drop_quad(Y.row(row.i), X.row(row.i), Y.cols, quad, head, first_row + at);
}

void drop(LaunchStream at, Tensor y, Tensor x, DropoutMask mask, int64_t first_row, const int32_t* rows) {
  constexpr int64_t kThreads = 256, kMostBlocks = 65535;
  int64_t across = 1;
  while (across < kThreads && 4 * across < y.cols) across *= 2;
  const dim3 block(static_cast<unsigned>(across), static_cast<unsigned>(kThreads / across));
  const dim3 grid(blocks_of(y.cols, 4 * across), static_cast<unsigned>(std::min(kMostBlocks, (y.rows + block.y - 1) / block.y)));
  launch(dropout_kernel, grid, block, 0, at, y, x, mask, first_row, rows);
}

}  // namespace

void CudaBackend::dropout(Tensor y, Tensor x, Real rate, RngKey key, int64_t first_row) {
  drop(stream_, y, x, {key, rate}, first_row, nullptr);
}

void CudaBackend::dropout(Tensor y, Tensor x, Real rate, RngKey key, int64_t first_row, Indices rows) {
  drop(stream_, y, x, {key, rate}, first_row, rows.data);
}

void CudaBackend::dropout(Tiles y, Tiles x, Real rate, RngKey key, int64_t first_row) {
  const DevicePacking& packing = on_device(*y.packing);
  const int64_t cols = y.square ? packing.longest : y.base.cols / y.heads;
  with_lanes(packing.tokens, cols / 4, [&](auto lanes, unsigned blocks, dim3 threads) {
    launch(dropout_tiles_kernel<lanes()>, dim3(blocks, static_cast<unsigned>(y.heads)), threads, 0, stream_, y, x, packing,
           DropoutMask(key, rate), first_row);
  });
}

}  // namespace vitrine::inline VITRINE_PRECISION
