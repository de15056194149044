#include "backend/cuda_backend.h"
#include "backend/ops/vector_math.h"
#include "backend/ops/warp.cuh"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

// −(y log σ(z) + (1 − y) log(1 − σ(z))) = max(z, 0) − z y + log(1 + e^−|z|), in which no exponential is large
template <int kLanes>
__global__ void binary_cross_entropy_kernel(Tensor losses, Tensor logits, Tensor truth, const int32_t* targets) {
  const int64_t m = row_of_thread(), C = logits.cols;
  if (m >= logits.rows) return;
  const Real *z = logits.row(m), *y = truth.row(m);
  Real sum = 0;
  for (int64_t c = threadIdx.x; c < C; c += kLanes)
    sum += std::max(z[c], Real{0}) - z[c] * y[c] + std::log1p(std::exp(-std::abs(z[c])));
  sum = over_row<kLanes>(sum, Sum{});
  if (threadIdx.x == 0) *losses.row(m) = targets[m] < 0 ? 0 : sum / static_cast<Real>(C);
}

// dz = scale/C · (σ(z) − y)
template <int kLanes>
__global__ void binary_cross_entropy_backward_kernel(Tensor dlogits, Tensor logits, Tensor truth, const int32_t* targets,
                                                     Real scale) {
  const int64_t m = row_of_thread(), C = logits.cols;
  if (m >= logits.rows) return;
  const Real *z = logits.row(m), *y = truth.row(m), share = targets[m] < 0 ? 0 : scale / static_cast<Real>(C);
  Real* dz = dlogits.row(m);
  for (int64_t c = threadIdx.x; c < C; c += kLanes) dz[c] = share * (vsigmoid(z[c]) - y[c]);
}

}  // namespace

void CudaBackend::binary_cross_entropy_forward(Tensor losses, Tensor logits, Tensor truth, Indices targets) {
  with_lanes(logits.rows, logits.cols, [&](auto lanes, unsigned blocks, dim3 threads) {
    launch(binary_cross_entropy_kernel<lanes()>, blocks, threads, 0, stream_, losses, logits, truth, targets.data);
  });
}

void CudaBackend::binary_cross_entropy_backward(Tensor dlogits, Tensor logits, Tensor truth, Indices targets, Real scale) {
  with_lanes(logits.rows, logits.cols, [&](auto lanes, unsigned blocks, dim3 threads) {
    launch(binary_cross_entropy_backward_kernel<lanes()>, blocks, threads, 0, stream_, dlogits, logits, truth, targets.data,
           scale);
  });
}

}  // namespace vitrine::inline VITRINE_PRECISION
