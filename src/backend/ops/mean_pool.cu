#include "backend/cuda_backend.h"
#include "backend/ops/warp.cuh"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

constexpr int kColumns = 32, kRows = 8;

// y_b = Σ_{i in sequence b} x_i / T_b
__global__ void mean_pool_kernel(Tensor y, Tensor x, DevicePacking packing) {
  __shared__ Real sums[kRows][kColumns];
  const int64_t b = blockIdx.x, j = int64_t{blockIdx.y} * kColumns + threadIdx.x, first = packing.offset[b],
                end = packing.offset[b + 1];
  Real sum = 0;
  if (j < y.cols)
    for (int64_t i = first + threadIdx.y; i < end; i += kRows) sum += x.row(i)[j];
  sums[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y != 0 || j >= y.cols) return;
  Real total = 0;
  for (int r = 0; r < kRows; ++r) total += sums[r][threadIdx.x];
  y.row(b)[j] = total * (1 / static_cast<Real>(end - first));
}

// dx_i = dy_b / T_b
__global__ void mean_pool_backward_kernel(Tensor dx, Tensor dy, DevicePacking packing) {
  const int64_t i = row_of_thread();
  if (i >= packing.tokens) return;
  const int32_t b = packing.sequence[i];
  const Real scale = 1 / static_cast<Real>(packing.offset[b + 1] - packing.offset[b]);
  for (int64_t j = threadIdx.x; j < dx.cols; j += blockDim.x) dx.row(i)[j] = dy.row(b)[j] * scale;
}

}  // namespace

void CudaBackend::mean_pool_forward(Tensor y, Tensor x, const Packing& packing) {
  const DevicePacking& device = on_device(packing);
  launch(mean_pool_kernel, dim3(static_cast<unsigned>(device.sequences), blocks_of(y.cols, kColumns)), dim3(kColumns, kRows), 0,
         stream_, y, x, device);
}

void CudaBackend::mean_pool_backward(Tensor dx, Tensor dy, const Packing& packing) {
  const DevicePacking& device = on_device(packing);
  with_lanes(device.tokens, dx.cols, [&](auto, unsigned blocks, dim3 threads) {
    launch(mean_pool_backward_kernel, blocks, threads, 0, stream_, dx, dy, device);
  });
}

}  // namespace vitrine::inline VITRINE_PRECISION
