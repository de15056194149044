#include "backend/cuda_backend.h"
#include "backend/ops/column_sum.cuh"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

// Of each row:  μ = mean(x),  σ² = mean((x − μ)²),  r = 1/√(σ² + ε),  y = γ ⊙ (x − μ) r + β
template <int kLanes>
__global__ void layer_norm_kernel(Tensor y, Tensor mean, Tensor rstd, Tensor x, const Real* gamma, const Real* beta,
                                  Real epsilon) {
  const int64_t i = row_of_thread(), D = x.cols;
  if (i >= x.rows) return;
  const Real* xi = x.row(i);
  Real *yi = y.row(i), sum = 0, squares = 0;
  for (int64_t j = threadIdx.x; j < D; j += kLanes) sum += xi[j];
  const Real mu = over_row<kLanes>(sum, Sum{}) / static_cast<Real>(D);
  for (int64_t j = threadIdx.x; j < D; j += kLanes) squares += (xi[j] - mu) * (xi[j] - mu);
  const Real r = 1 / std::sqrt(over_row<kLanes>(squares, Sum{}) / static_cast<Real>(D) + epsilon);
  for (int64_t j = threadIdx.x; j < D; j += kLanes) yi[j] = gamma[j] * ((xi[j] - mu) * r) + beta[j];
  if (threadIdx.x == 0) *mean.row(i) = mu, *rstd.row(i) = r;
}

// g = γ ⊙ dy:   dx = r (g − mean(g) − x̂ mean(g ⊙ x̂))                                                    (layer_norm.md)
template <int kLanes>
__global__ void layer_norm_backward_kernel(Tensor dx, Tensor dy, Tensor x, Tensor mean, Tensor rstd, const Real* gamma) {
  const int64_t i = row_of_thread(), D = x.cols;
  if (i >= x.rows) return;
  const Real *xi = x.row(i), *dyi = dy.row(i), mu = *mean.row(i), r = *rstd.row(i);
  Real *dxi = dx.row(i), sum_g = 0, sum_gx = 0;
  for (int64_t j = threadIdx.x; j < D; j += kLanes) {
    const Real g = gamma[j] * dyi[j];
    sum_g += g;
    sum_gx += g * ((xi[j] - mu) * r);
  }
  const Real mean_g = over_row<kLanes>(sum_g, Sum{}) / static_cast<Real>(D);
  const Real mean_gx = over_row<kLanes>(sum_gx, Sum{}) / static_cast<Real>(D);
  for (int64_t j = threadIdx.x; j < D; j += kLanes) dxi[j] = r * (gamma[j] * dyi[j] - mean_g - (xi[j] - mu) * r * mean_gx);
}

// dγ += Σ_rows dy ⊙ x̂   dβ += Σ_rows dy
struct GainAndBias {
  Tensor dy, x, mean, rstd;
  __device__ void operator()(Real (&sum)[2], int64_t i, int64_t j) const {
    const Real g = dy.row(i)[j];
    sum[0] += g * ((x.row(i)[j] - *mean.row(i)) * *rstd.row(i));
    sum[1] += g;
  }
};

}  // namespace

void CudaBackend::layer_norm_forward(Tensor y, Tensor mean, Tensor rstd, Tensor x, Tensor gamma, Tensor beta, Real epsilon) {
  with_lanes(x.rows, x.cols, [&](auto lanes, unsigned blocks, dim3 threads) {
    launch(layer_norm_kernel<lanes()>, blocks, threads, 0, stream_, y, mean, rstd, x, gamma.data, beta.data, epsilon);
  });
}

void CudaBackend::layer_norm_backward(Tensor dx, Tensor dgamma, Tensor dbeta, Tensor dy, Tensor x, Tensor mean, Tensor rstd,
                                      Tensor gamma) {
  const RowChunks chunks(x.rows, x.cols);
  add_column_sums<2>(stream_, {{dgamma.data, dbeta.data}}, GainAndBias{dy, x, mean, rstd}, x.rows, x.cols, chunks,
                     scratch(chunks.numbers(x.cols, 2)));
  with_lanes(x.rows, x.cols, [&](auto lanes, unsigned blocks, dim3 threads) {
    launch(layer_norm_backward_kernel<lanes()>, blocks, threads, 0, stream_, dx, dy, x, mean, rstd, gamma.data);
  });
}

}  // namespace vitrine::inline VITRINE_PRECISION
