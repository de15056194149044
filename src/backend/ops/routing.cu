#include "backend/ops/tiles.cuh"

// Derived in layers/attention/routing.md.
namespace vitrine::inline VITRINE_PRECISION {
namespace {

// x̂ = (x − μ) r,  r = 1/√(σ² + ε): a warp has one head's part of a row
__global__ void normalise_heads_kernel(Tensor y, Tensor rstd, Tensor x, int64_t heads, Real epsilon) {
  const int64_t i = row_of_thread(), h = blockIdx.y, d = x.cols / heads;
  if (i >= rstd.rows) return;
  const Real* xi = x.row(i) + h * d;
  Real *yi = y.row(i) + h * d, sum = 0, squares = 0;
  for (int64_t j = threadIdx.x; j < d; j += kWarp) sum += xi[j];
  const Real mean = over_row<kWarp>(sum, Sum{}) / static_cast<Real>(d);
  for (int64_t j = threadIdx.x; j < d; j += kWarp) squares += (xi[j] - mean) * (xi[j] - mean);
  const Real r = 1 / std::sqrt(over_row<kWarp>(squares, Sum{}) / static_cast<Real>(d) + epsilon);
  for (int64_t j = threadIdx.x; j < d; j += kWarp) yi[j] = (xi[j] - mean) * r;
  if (threadIdx.x == 0) rstd.row(i)[h] = r;
}

// dx = r (dy − mean(dy) − y mean(dy ⊙ y))                                             (layer_norm.md with γ = 1, β = 0)
__global__ void normalise_heads_backward_kernel(Tensor dx, Tensor dy, Tensor y, Tensor rstd, int64_t heads) {
  const int64_t i = row_of_thread(), h = blockIdx.y, d = y.cols / heads;
  if (i >= rstd.rows) return;
  const Real *dyi = dy.row(i) + h * d, *yi = y.row(i) + h * d, r = rstd.row(i)[h];
  Real *dxi = dx.row(i) + h * d, sum = 0, product = 0;
  for (int64_t j = threadIdx.x; j < d; j += kWarp) {
    sum += dyi[j];
    product += dyi[j] * yi[j];
  }
  const Real mean = over_row<kWarp>(sum, Sum{}) / static_cast<Real>(d),
             share = over_row<kWarp>(product, Sum{}) / static_cast<Real>(d);
  for (int64_t j = threadIdx.x; j < d; j += kWarp) dxi[j] = r * (dyi[j] - mean - yi[j] * share);
}

constexpr unsigned kRows = 4;  // of a block

dim3 rows_and_heads(int64_t rows, int64_t heads) { return {blocks_of(rows, kRows), static_cast<unsigned>(heads)}; }

}  // namespace

void CudaBackend::normalise_heads_forward(Tiles y, Tensor rstd, Tiles x, Real epsilon) {
  launch(normalise_heads_kernel, rows_and_heads(x.packing->tokens(), x.heads), dim3(kWarp, kRows), 0, stream_, y.base,
         rstd.top(x.packing->tokens()), x.base, x.heads, epsilon);
}

void CudaBackend::normalise_heads_backward(Tiles dx, Tiles dy, Tiles y, Tensor rstd) {
  launch(normalise_heads_backward_kernel, rows_and_heads(y.packing->tokens(), y.heads), dim3(kWarp, kRows), 0, stream_, dx.base,
         dy.base, y.base, rstd.top(y.packing->tokens()), y.heads);
}

}  // namespace vitrine::inline VITRINE_PRECISION
