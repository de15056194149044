#include "backend/ops/tiles.cuh"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

// (a, b) → (a cos − b sin, a sin + b cos), or with −sin: a row of all heads
__global__ void rotate_kernel(Tensor x, int64_t heads, DevicePacking packing, Tensor turns, Real sign) {
  const int64_t row = row_of_thread(), pairs = turns.cols / 2, d = x.cols / heads;
  if (row >= packing.tokens) return;
  const Real* turn = turns.row(row - packing.offset[packing.sequence[row]]);
  for (int64_t n = threadIdx.x; n < heads * pairs; n += blockDim.x) {
    const int64_t h = n / pairs, i = n % pairs;
    Real* at = x.row(row) + h * d + 2 * i;
    const Real p = at[0], q = at[1], c = turn[2 * i], s = sign * turn[2 * i + 1];
    at[0] = p * c - q * s;
    at[1] = p * s + q * c;
  }
}

}  // namespace

void CudaBackend::rotate(Tiles x, Tensor turns, bool back) {
  const DevicePacking& packing = on_device(*x.packing);
  with_lanes(packing.tokens, x.base.cols, [&](auto, unsigned blocks, dim3 threads) {
    launch(rotate_kernel, blocks, threads, 0, stream_, x.base, x.heads, packing, turns, back ? Real{-1} : Real{1});
  });
}

}  // namespace vitrine::inline VITRINE_PRECISION
