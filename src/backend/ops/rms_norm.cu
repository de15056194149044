#include "backend/cuda_backend.h"
#include "backend/ops/column_sum.cuh"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

// Of each row:  r = 1/√(mean(x²) + ε),  y = γ ⊙ x r                                     (Zhang and Sennrich 2019)
template <int kLanes>
__global__ void rms_norm_kernel(Tensor y, Tensor rstd, Tensor x, const Real* gamma, Real epsilon) {
  const int64_t i = row_of_thread(), D = x.cols;
  if (i >= x.rows) return;
  const Real* xi = x.row(i);
  Real *yi = y.row(i), squares = 0;
  for (int64_t j = threadIdx.x; j < D; j += kLanes) squares += xi[j] * xi[j];
  const Real r = 1 / std::sqrt(over_row<kLanes>(squares, Sum{}) / static_cast<Real>(D) + epsilon);
  for (int64_t j = threadIdx.x; j < D; j += kLanes) yi[j] = gamma[j] * (xi[j] * r);
  if (threadIdx.x == 0) *rstd.row(i) = r;
}

// g = γ ⊙ dy,  x̂ = x r:   dx = r (g − x̂ mean(g ⊙ x̂))
template <int kLanes>
__global__ void rms_norm_backward_kernel(Tensor dx, Tensor dy, Tensor x, Tensor rstd, const Real* gamma) {
  const int64_t i = row_of_thread(), D = x.cols;
  if (i >= x.rows) return;
  const Real *xi = x.row(i), *dyi = dy.row(i), r = *rstd.row(i);
  Real *dxi = dx.row(i), sum_gx = 0;
  for (int64_t j = threadIdx.x; j < D; j += kLanes) sum_gx += gamma[j] * dyi[j] * (xi[j] * r);
  const Real mean_gx = over_row<kLanes>(sum_gx, Sum{}) / static_cast<Real>(D);
  for (int64_t j = threadIdx.x; j < D; j += kLanes) dxi[j] = r * (gamma[j] * dyi[j] - xi[j] * r * mean_gx);
}

// dγ += Σ_rows dy ⊙ x̂
struct Gain {
  Tensor dy, x, rstd;
  __device__ void operator()(Real (&sum)[1], int64_t i, int64_t j) const {
    sum[0] += dy.row(i)[j] * (x.row(i)[j] * *rstd.row(i));
  }
};

}  // namespace

void CudaBackend::rms_norm_forward(Tensor y, Tensor rstd, Tensor x, Tensor gamma, Real epsilon) {
  with_lanes(x.rows, x.cols, [&](auto lanes, unsigned blocks, dim3 threads) {
    launch(rms_norm_kernel<lanes()>, blocks, threads, 0, stream_, y, rstd, x, gamma.data, epsilon);
  });
}

void CudaBackend::rms_norm_backward(Tensor dx, Tensor dgamma, Tensor dy, Tensor x, Tensor rstd, Tensor gamma) {
  const RowChunks chunks(x.rows, x.cols);
  add_column_sums<1>(stream_, {{dgamma.data}}, Gain{dy, x, rstd}, x.rows, x.cols, chunks, scratch(chunks.numbers(x.cols, 1)));
  with_lanes(x.rows, x.cols, [&](auto lanes, unsigned blocks, dim3 threads) {
    launch(rms_norm_backward_kernel<lanes()>, blocks, threads, 0, stream_, dx, dy, x, rstd, gamma.data);
  });
}

}  // namespace vitrine::inline VITRINE_PRECISION
