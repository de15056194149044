#include <limits>

#include "backend/cuda_backend.h"
#include "backend/ops/warp.cuh"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

constexpr int kThreads = 256;

__device__ Real within(Real z, Real most) { return z < 0 ? 0 : z > most ? most : z; }

// bias_o = ln m_o,  m_o = clamp((R + z − |o|)/R, 0, 1): 0 as far as z, −∞ from z + R on          (Sukhbaatar et al. 2019, §2.2)
__global__ void span_kernel(Tensor bias, Tensor z, Real most, Real ramp) {
  const int64_t k = int64_t{blockIdx.x} * kThreads + threadIdx.x, h = blockIdx.y;
  if (k >= bias.cols) return;
  const Real left = ramp + within(z.row(0)[h], most) - static_cast<Real>(std::abs(k - bias.cols / 2));
  bias.row(h)[k] = left >= ramp ? 0 : left > 0 ? std::log(left / ramp) : -std::numeric_limits<Real>::infinity();
}

// On the ramp, 0 < m < 1, ∂ln m_o/∂z = 1/(R m_o) = 1/(R + z − |o|); elsewhere 0.  dz += Σ_o dbias_o ∂ln m_o/∂z + penalty
__global__ void span_backward_kernel(Tensor dz, Tensor dbias, Tensor z, Real most, Real ramp, Real penalty) {
  const int64_t h = blockIdx.x, W = dbias.cols / 2;
  const Real at = z.row(0)[h], span = within(at, most);
  Real sum = 0;
  for (int64_t k = threadIdx.x; k < dbias.cols; k += kThreads) {
    const Real left = ramp + span - static_cast<Real>(std::abs(k - W));
    if (left > 0 && left < ramp) sum += dbias.row(h)[k] / left;
  }
  sum = over_row<kThreads>(sum, Sum{}) + penalty;
  const bool leaves = (at <= 0 && sum > 0) || (at >= most && sum < 0);  // a step against the gradient would go farther out
  if (threadIdx.x == 0 && !leaves) dz.row(0)[h] += sum;
}

}  // namespace

void CudaBackend::span_forward(Tensor bias, Tensor z, Real most, Real ramp) {
  launch(span_kernel, dim3(blocks_of(bias.cols, kThreads), static_cast<unsigned>(bias.rows)), kThreads, 0, stream_, bias, z, most,
         ramp);
}

void CudaBackend::span_backward(Tensor dz, Tensor dbias, Tensor z, Real most, Real ramp, Real penalty) {
  launch(span_backward_kernel, static_cast<unsigned>(dbias.rows), kThreads, 0, stream_, dz, dbias, z, most, ramp, penalty);
}

}  // namespace vitrine::inline VITRINE_PRECISION
