#include "backend/cuda_backend.h"
#include "backend/ops/warp.cuh"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

constexpr int kColumns = 32, kRows = 8;

// y_m = x_{index[m]}   or   y_m += x_{index[m]}
__global__ void gather_kernel(Tensor y, Tensor x, const int32_t* index, int64_t size, bool add) {
  const int64_t m = row_of_thread();
  if (m >= size) return;
  const Real* xi = x.row(index[m]);
  Real* ym = y.row(m);
  for (int64_t j = threadIdx.x; j < y.cols; j += blockDim.x) ym[j] = add ? ym[j] + xi[j] : xi[j];
}

// dx_{index[m]} += dy_m: a thread has one column of one row of dx, and adds in the order of m
__global__ void scatter_add_kernel(Tensor dx, Tensor dy, const int32_t* index, Segments segments) {
  const int64_t s = int64_t{blockIdx.x} * kRows + threadIdx.y, j = int64_t{blockIdx.y} * kColumns + threadIdx.x;
  if (s >= segments.count || j >= dx.cols) return;
  const int32_t first = segments.start[s], end = segments.start[s + 1];
  Real* at = dx.row(index[segments.order[first]]) + j;
  Real sum = *at;
  for (int32_t k = first; k < end; ++k) sum += dy.row(segments.order[k])[j];
  *at = sum;
}

}  // namespace

void CudaBackend::gather(Tensor y, Tensor x, Indices index, Write write) {
  with_lanes(index.size, y.cols, [&](auto, unsigned blocks, dim3 threads) {
    launch(gather_kernel, blocks, threads, 0, stream_, y, x, index.data, index.size, write == Write::kAdd);
  });
}

void CudaBackend::scatter_add(Tensor dx, Tensor dy, Indices index) {
  const Segments equal = segments(index);
  launch(scatter_add_kernel, dim3(blocks_of(equal.count, kRows), blocks_of(dx.cols, kColumns)), dim3(kColumns, kRows), 0, stream_,
         dx, dy, index.data, equal);
}

}  // namespace vitrine::inline VITRINE_PRECISION
