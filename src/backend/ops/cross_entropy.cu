#include <limits>

#include "backend/cuda_backend.h"
#include "backend/ops/vector_math.h"
#include "backend/ops/warp.cuh"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

// lse = m + log Σ_c e^(z_c − m),  m = max z        log p_c = z_c − lse
// loss = −Σ_c a_c log p_c = (1 − s) w_t (lse − z_t) + s/C Σ_c w_c (lse − z_c),   s: smoothing
template <int kLanes>
__global__ void cross_entropy_kernel(Tensor losses, Tensor lse, Tensor logits, const int32_t* targets, const Real* w,
                                     Real smoothing) {
  const int64_t i = row_of_thread(), C = logits.cols;
  if (i >= logits.rows) return;
  const Real* z = logits.row(i);
  Real m = -std::numeric_limits<Real>::infinity(), sum = 0, all = 0;
  for (int64_t c = threadIdx.x; c < C; c += kLanes) m = m < z[c] ? z[c] : m;
  m = over_row<kLanes>(m, Largest{});
  for (int64_t c = threadIdx.x; c < C; c += kLanes) sum += vexp(z[c] - m);
  const Real L = m + std::log(over_row<kLanes>(sum, Sum{}));
  if (smoothing > 0) {
    for (int64_t c = threadIdx.x; c < C; c += kLanes) all += (w ? w[c] : 1) * (L - z[c]);
    all = over_row<kLanes>(all, Sum{});
  }
  if (threadIdx.x != 0) return;
  const int32_t t = targets[i];
  *lse.row(i) = L;
  *losses.row(i) = t < 0 ? 0 : (1 - smoothing) * (w ? w[t] : 1) * (L - z[t]) + smoothing / static_cast<Real>(C) * all;
}

// dz = scale · (A p − a),   p_c = e^(z_c − lse),   a_c = w_c ((1 − s) [c = t] + s/C),   A = Σ_c a_c     (cross_entropy.md)
template <int kLanes>
__global__ void cross_entropy_backward_kernel(Tensor dlogits, Tensor logits, Tensor lse, const int32_t* targets, const Real* w,
                                              Real smoothing, Real scale) {
  const int64_t i = row_of_thread(), C = logits.cols;
  if (i >= logits.rows) return;
  const Real *z = logits.row(i), L = *lse.row(i), share = smoothing / static_cast<Real>(C);
  Real *dz = dlogits.row(i), weights = static_cast<Real>(C);
  if (w && smoothing > 0) {
    weights = 0;
    for (int64_t c = threadIdx.x; c < C; c += kLanes) weights += w[c];
    weights = over_row<kLanes>(weights, Sum{});
  }
  const int32_t t = targets[i];
  const Real hit = t < 0 ? 0 : (1 - smoothing) * (w ? w[t] : 1), A = hit + share * weights;
  for (int64_t c = threadIdx.x; c < C; c += kLanes)
    dz[c] = t < 0 ? 0 : scale * (A * vexp(z[c] - L) - share * (w ? w[c] : 1) - (c == t ? hit : 0));
}

}  // namespace

void CudaBackend::cross_entropy_forward(Tensor losses, Tensor lse, Tensor logits, Indices targets, Tensor class_weights,
                                        Real smoothing) {
  with_lanes(logits.rows, logits.cols, [&](auto lanes, unsigned blocks, dim3 threads) {
    launch(cross_entropy_kernel<lanes()>, blocks, threads, 0, stream_, losses, lse, logits, targets.data, class_weights.data,
           smoothing);
  });
}

void CudaBackend::cross_entropy_backward(Tensor dlogits, Tensor logits, Tensor lse, Indices targets, Tensor class_weights,
                                         Real smoothing, Real scale) {
  with_lanes(logits.rows, logits.cols, [&](auto lanes, unsigned blocks, dim3 threads) {
    launch(cross_entropy_backward_kernel<lanes()>, blocks, threads, 0, stream_, dlogits, logits, lse, targets.data,
           class_weights.data, smoothing, scale);
  });
}

}  // namespace vitrine::inline VITRINE_PRECISION
