#include <limits>

#include "backend/ops/tiles.cuh"
#include "backend/ops/vector_math.h"

// Derived in layers/attention/performer.md.
namespace vitrine::inline VITRINE_PRECISION {
namespace {

constexpr unsigned kRows = 4;  // of a block, a warp each
constexpr int kThreads = 256;

// One head's part of a row, by one warp.
struct HeadRow {
  int64_t row = row_of_thread(), h = blockIdx.y;
  __device__ HeadRow() {}
  __device__ Real* of(const Tensor& x, int64_t heads) const { return x.row(row) + h * (x.cols / heads); }
};

__device__ Real half_square(const Real* x, int64_t n, Real scale) {  // |scale x|²/2
  Real sum = 0;
  for (int64_t j = threadIdx.x; j < n; j += kWarp) sum += x[j] * x[j];
  return over_row<kWarp>(sum, Sum{}) * (scale * scale / 2);
}

__device__ Real largest(const Real* x, int64_t n) {
  Real most = -std::numeric_limits<Real>::infinity();
  for (int64_t j = threadIdx.x; j < n; j += kWarp) most = most < x[j] ? x[j] : most;
  return over_row<kWarp>(most, Largest{});
}

// peak[row, h] = max_r y_r − |x̃|²/2
__global__ void peaks_kernel(Real* peak, Tensor y, Tensor x, int64_t heads, int64_t rows, Real scale) {
  const HeadRow at;
  if (at.row >= rows) return;
  const Real value = largest(at.of(y, heads), y.cols / heads) - half_square(at.of(x, heads), x.cols / heads, scale);
  if (threadIdx.x == 0) peak[at.row * heads + at.h] = value;
}

// top[b, h] = the largest peak of a tile
__global__ void tops_kernel(Real* top, const Real* peak, int64_t heads, DevicePacking packing) {
  const int64_t b = blockIdx.x, h = blockIdx.y;
  Real most = -std::numeric_limits<Real>::infinity();
  for (int64_t i = packing.offset[b] + threadIdx.x; i < packing.offset[b + 1]; i += kThreads) {
    const Real p = peak[i * heads + h];
    most = most < p ? p : most;
  }
  most = over_row<kThreads>(most, Largest{});
  if (threadIdx.x == 0) top[b * heads + h] = most;
}

// y_r = e^(y_r − shift)/√m. Of a row (top is null), shift = max_r y_r: |x̃|²/2 goes with the maximum. Of a tile, shift = |x̃|²/2 + its top.
__global__ void features_kernel(Tensor y, Tensor x, int64_t heads, DevicePacking packing, Real scale, Real norm,
                                const Real* top) {
  const HeadRow at;
  if (at.row >= packing.tokens) return;
  Real* yi = at.of(y, heads);
  const int64_t m = y.cols / heads;
  const Real shift =
      top ? half_square(at.of(x, heads), x.cols / heads, scale) + top[packing.sequence[at.row] * heads + at.h] : largest(yi, m);
  for (int64_t r = threadIdx.x; r < m; r += kWarp) yi[r] = vexp(yi[r] - shift) * norm;
}

// dy ← dy ⊙ y,  dx = −scale² rowsum(dy ⊙ y) x
__global__ void features_backward_kernel(Tensor dx, Tensor dy, Tensor y, Tensor x, int64_t heads, int64_t rows, Real scale) {
  const HeadRow at;
  if (at.row >= rows) return;
  const Real *yi = at.of(y, heads), *xi = at.of(x, heads);
  Real *dyi = at.of(dy, heads), *dxi = at.of(dx, heads), sum = 0;
  for (int64_t r = threadIdx.x; r < y.cols / heads; r += kWarp) {
    dyi[r] *= yi[r];
    sum += dyi[r];
  }
  const Real factor = -scale * scale * over_row<kWarp>(sum, Sum{});
  for (int64_t j = threadIdx.x; j < x.cols / heads; j += kWarp) dxi[j] = factor * xi[j];
}

}  // namespace

// y = scale x ωᵀ of each head, then its exponentials
void CudaBackend::random_features_forward(Tiles y, Tiles x, Tensor omega, Real scale, Stabiliser by) {
  const DevicePacking& packing = on_device(*x.packing);
  const int64_t N = packing.tokens, H = x.heads, m = y.base.cols / H, d = x.base.cols / H;
  const dim3 rows(blocks_of(N, kRows), static_cast<unsigned>(H)), warps(kWarp, kRows);
  for (int64_t h = 0; h < H; ++h)
    product(y.base.top(N).columns(h * m, m), x.base.top(N).columns(h * d, d), omega.slice(h * m, m).T(), scale, 0);
  Real* top = nullptr;
  if (by == Stabiliser::kTile) {
    Real* const peak = scratch((N + packing.sequences) * H);
    top = peak + N * H;
    launch(peaks_kernel, rows, warps, 0, stream_, peak, y.base, x.base, H, N, scale);
    launch(tops_kernel, dim3(static_cast<unsigned>(packing.sequences), static_cast<unsigned>(H)), kThreads, 0, stream_, top, peak,
           H, packing);
  }
  launch(features_kernel, rows, warps, 0, stream_, y.base, x.base, H, packing, scale, 1 / std::sqrt(static_cast<Real>(m)), top);
}

// dx = scale ((dy ⊙ y) ω − rowsum(dy ⊙ y) scale x)
void CudaBackend::random_features_backward(Tiles dx, Tiles dy, Tiles y, Tiles x, Tensor omega, Real scale) {
  const int64_t N = x.packing->tokens(), H = x.heads, m = y.base.cols / H, d = x.base.cols / H;
  launch(features_backward_kernel, dim3(blocks_of(N, kRows), static_cast<unsigned>(H)), dim3(kWarp, kRows), 0, stream_, dx.base,
         dy.base, y.base, x.base, H, N, scale);
  for (int64_t h = 0; h < H; ++h)
    product(dx.base.top(N).columns(h * d, d), dy.base.top(N).columns(h * m, m), omega.slice(h * m, m), scale, 1);
}

}  // namespace vitrine::inline VITRINE_PRECISION
