#include <algorithm>

#include "backend/cuda_backend.h"
#include "backend/ops/map.cuh"
#include "backend/ops/warp.cuh"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

struct SetTo {
  Real value;
  __device__ void operator()(Real& y) const { y = value; }
};
struct CopyOf {
  __device__ void operator()(Real& y, Real x) const { y = x; }
};
struct SumOf {
  __device__ void operator()(Real& y, Real a, Real b) const { y = a + b; }
};

constexpr int64_t kChunk = 4096;
constexpr int kSums = 8, kChunksOfBlock = 16;

// chunk[c] = Σ x² of the c-th chunk, with the sums of the CPU in their order: eight threads have one each.
__global__ void sum_squares_kernel(double* chunk, Tensor x, int64_t chunks_of_row) {
  const int64_t c = int64_t{blockIdx.x} * kChunksOfBlock + threadIdx.y, row = c / chunks_of_row;
  const int64_t first = c % chunks_of_row * kChunk, n = row < x.rows ? std::min(int64_t{kChunk}, x.cols - first) : 0;
  const Real* xi = x.row(row) + first;
  double sum = 0, total = 0;
  for (int64_t j = threadIdx.x; j < n; j += kSums) sum += static_cast<double>(xi[j]) * xi[j];
  for (int k = 0; k < kSums; ++k) total += __shfl_sync(kAllLanes, sum, k, kSums);
  if (threadIdx.x == 0 && row < x.rows) chunk[c] = total;
}

}  // namespace

void CudaBackend::fill(Tensor y, Real value) { map(stream_, y.rows, y.cols, SetTo{value}, Out{y}); }
void CudaBackend::copy(Tensor y, Tensor x) { map(stream_, y.rows, y.cols, CopyOf{}, Out{y}, In{x}); }
void CudaBackend::add(Tensor y, Tensor a, Tensor b) { map(stream_, y.rows, y.cols, SumOf{}, Out{y}, In{a}, In{b}); }

double CudaBackend::sum_squares(Tensor x) {
  const int64_t chunks_of_row = (x.cols + kChunk - 1) / kChunk, chunks = x.rows * chunks_of_row;
  auto* chunk = reinterpret_cast<double*>(scratch(2 * chunks));
  launch(sum_squares_kernel, blocks_of(chunks, kChunksOfBlock), dim3(kSums, kChunksOfBlock), 0, stream_, chunk, x, chunks_of_row);
  sums_.resize(std::max(sums_.size(), static_cast<size_t>(chunks)));
  check_cuda(cudaMemcpyAsync(sums_.data(), chunk, static_cast<size_t>(chunks) * sizeof(double), cudaMemcpyDeviceToHost, stream_));
  check_cuda(cudaStreamSynchronize(stream_));
  double total = 0;
  for (int64_t c = 0; c < chunks; ++c) total += sums_[static_cast<size_t>(c)];
  return total;
}

}  // namespace vitrine::inline VITRINE_PRECISION
