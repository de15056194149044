#include "backend/cuda_backend.h"
#include "backend/ops/warp.cuh"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

// loss_m = mean_c (z − y)²
template <int kLanes>
__global__ void squared_error_kernel(Tensor losses, Tensor predicted, Tensor truth, const int32_t* targets) {
  const int64_t m = row_of_thread(), C = predicted.cols;
  if (m >= predicted.rows) return;
  const Real *z = predicted.row(m), *y = truth.row(m);
  Real sum = 0;
  for (int64_t c = threadIdx.x; c < C; c += kLanes) sum += (z[c] - y[c]) * (z[c] - y[c]);
  sum = over_row<kLanes>(sum, Sum{});
  if (threadIdx.x == 0) *losses.row(m) = targets[m] < 0 ? 0 : sum / static_cast<Real>(C);
}

// dz = 2 scale/C · (z − y)
template <int kLanes>
__global__ void squared_error_backward_kernel(Tensor dpredicted, Tensor predicted, Tensor truth, const int32_t* targets,
                                              Real scale) {
  const int64_t m = row_of_thread(), C = predicted.cols;
  if (m >= predicted.rows) return;
  const Real *z = predicted.row(m), *y = truth.row(m), share = targets[m] < 0 ? 0 : 2 * scale / static_cast<Real>(C);
  Real* dz = dpredicted.row(m);
  for (int64_t c = threadIdx.x; c < C; c += kLanes) dz[c] = share * (z[c] - y[c]);
}

}  // namespace

void CudaBackend::squared_error_forward(Tensor losses, Tensor predicted, Tensor truth, Indices targets) {
  with_lanes(predicted.rows, predicted.cols, [&](auto lanes, unsigned blocks, dim3 threads) {
    launch(squared_error_kernel<lanes()>, blocks, threads, 0, stream_, losses, predicted, truth, targets.data);
  });
}

void CudaBackend::squared_error_backward(Tensor dpredicted, Tensor predicted, Tensor truth, Indices targets, Real scale) {
  with_lanes(predicted.rows, predicted.cols, [&](auto lanes, unsigned blocks, dim3 threads) {
    launch(squared_error_backward_kernel<lanes()>, blocks, threads, 0, stream_, dpredicted, predicted, truth, targets.data,
           scale);
  });
}

}  // namespace vitrine::inline VITRINE_PRECISION
