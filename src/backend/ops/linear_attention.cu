#include "backend/ops/map.cuh"
#include "backend/ops/tiles.cuh"
#include "backend/ops/vector_math.h"

// Derived in layers/attention/linear.md. Here a key's row of values has a 1 behind it, x_j = (v_j | 1), and a query's row of gradients its g,
// w_i = (u_i | g_i) with u_i = dO_i/n_i, g_i = −u_i·O_i. With the states S = Σ_j φk_jᵀ x_j and Z = Σ_i φq_iᵀ w_i, [m, d+1], all is of one form:
//   (O n | n − ε)_i = φq_i S,   dφq_i = w_i Sᵀ,   dφk_j = x_j Zᵀ,   dv_j = φk_j Z
// Causal: a state is that of the tokens before (S) or behind (Z) the chunk of 64 that a token is in, and pairs inside it are added one by one.
namespace vitrine::inline VITRINE_PRECISION {
namespace {

// φ(x) = elu(x) + 1
struct EluFeature {
  __device__ void operator()(Real& y, Real x) const { y = x > 0 ? x + 1 : vexp(x); }
};
// φ'(x) = 1 above 0, eˣ = φ(x) below: min(φ(x), 1)
struct EluSlope {
  __device__ void operator()(Real& dx, Real dy, Real y) const { dx = dy * (y < 1 ? y : 1); }
};

constexpr int64_t kChunk = 64;
constexpr unsigned kRows = 4;  // of a block, a warp each

// One head's part of a row of [N, H·n].
__device__ Real* part(const Tensor& x, int64_t row, int64_t h, int64_t heads) { return x.row(row) + h * (x.cols / heads); }

// x = (v | 1)
__global__ void values_kernel(Tensor x, Tensor v, int64_t heads) {
  const int64_t i = row_of_thread(), h = blockIdx.y, d = v.cols / heads;
  if (i >= x.rows) return;
  for (int64_t c = threadIdx.x; c <= d; c += kWarp) part(x, i, h, heads)[c] = c < d ? part(v, i, h, heads)[c] : 1;
}

// w = (dO/n | −(dO/n)·O)
__global__ void gradients_kernel(Tensor w, Tensor dout, Tensor o, Tensor n, int64_t heads) {
  const int64_t i = row_of_thread(), h = blockIdx.y, d = o.cols / heads;
  if (i >= w.rows) return;
  const Real *doi = part(dout, i, h, heads), *oi = part(o, i, h, heads), scale = 1 / n.row(i)[h];
  Real *wi = part(w, i, h, heads), dot = 0;
  for (int64_t c = threadIdx.x; c < d; c += kWarp) {
    wi[c] = doi[c] * scale;
    dot += wi[c] * oi[c];
  }
  dot = over_row<kWarp>(dot, Sum{});
  if (threadIdx.x == 0) wi[d] = -dot;
}

// States of chunks, one after the other: [m, k] of each head. A sequence has at most one more than T / kChunk.
struct States {
  Real* data;
  int64_t heads, size;
  static int64_t count(const DevicePacking& packing) { return packing.tokens / kChunk + packing.sequences; }
  __device__ Real* at(const DevicePacking& packing, int64_t b, int64_t chunk, int64_t h) const {
    return data + ((packing.offset[b] / kChunk + b + chunk) * heads + h) * size;
  }
};

// Σ f_iᵀ x_i over all tokens of a sequence, in its first state; causal: over those before each chunk, or, back, over those behind it.
// A thread has one number of the state.
constexpr int kThreads = 256;
__global__ void states_kernel(States states, Tensor f, Tensor x, DevicePacking packing, bool causal, bool back) {
  const int64_t e = int64_t{blockIdx.x} * kThreads + threadIdx.x, h = blockIdx.y, b = blockIdx.z, k = x.cols / states.heads;
  if (e >= states.size) return;
  const int64_t row = packing.offset[b], T = packing.offset[b + 1] - row, chunks = (T + kChunk - 1) / kChunk;
  Real sum = 0;
  for (int64_t n = 0; n < chunks; ++n) {
    const int64_t chunk = back ? chunks - 1 - n : n, first = chunk * kChunk, end = first + kChunk < T ? first + kChunk : T;
    if (causal) states.at(packing, b, chunk, h)[e] = sum;
    for (int64_t i = first; i < end; ++i)
      sum += part(f, row + i, h, states.heads)[e / k] * part(x, row + i, h, states.heads)[e % k];
  }
  if (!causal) states.at(packing, b, 0, h)[e] = sum;
}

// y_i = a_i S, or a_i Sᵀ; causal: + Σ_o (a_i·b_o) x_o over the tokens o of the same chunk that are not behind i, or, back, not before it.
// A warp has one head's part of a row; of y are computed as many columns as y has.
struct Product {
  Tensor y, a, b, x;
  bool transposed, causal, back;
};
__global__ void states_product_kernel(Product of, States states, DevicePacking packing) {
  __shared__ Real weights[kRows][kChunk];
  const int64_t at = row_of_thread();
  if (at >= packing.tokens) return;
  const TileRow row(packing, at);
  const int64_t H = states.heads, cols = of.y.cols / H, l = of.a.cols / H, k = of.x.cols / H,
                chunk = of.causal ? row.i / kChunk : 0;
  const int64_t start = at - row.i, first = of.back ? row.i : chunk * kChunk,
                end = of.back ? std::min((chunk + 1) * kChunk, row.T) : row.i + 1;
  const Real *S = states.at(packing, row.b, chunk, row.h), *a = part(of.a, at, row.h, H);
  Real *y = part(of.y, at, row.h, H), *weight = weights[threadIdx.y];
  if (of.causal)
    for (int64_t o = first; o < end; ++o) {
      const Real* b = part(of.b, start + o, row.h, H);
      Real dot = 0;
      for (int64_t c = threadIdx.x; c < l; c += kWarp) dot += a[c] * b[c];
      dot = over_row<kWarp>(dot, Sum{});
      if (threadIdx.x == 0) weight[o - first] = dot;
    }
  __syncwarp();
  for (int64_t c = threadIdx.x; c < cols; c += kWarp) {
    Real sum = 0;
    for (int64_t r = 0; r < l; ++r) sum += a[r] * (of.transposed ? S[c * l + r] : S[r * k + c]);
    if (of.causal)
      for (int64_t o = first; o < end; ++o) sum += weight[o - first] * part(of.x, start + o, row.h, H)[c];
    y[c] = sum;
  }
}

// n = y_d + ε,  O = y / n
__global__ void divide_kernel(Tensor o, Tensor n, Tensor y, int64_t heads, Real epsilon) {
  const int64_t i = row_of_thread(), h = blockIdx.y, d = o.cols / heads;
  if (i >= y.rows) return;
  const Real *yi = part(y, i, h, heads), norm = yi[d] + epsilon, scale = 1 / norm;
  for (int64_t c = threadIdx.x; c < d; c += kWarp) part(o, i, h, heads)[c] = yi[c] * scale;
  if (threadIdx.x == 0) n.row(i)[h] = norm;
}

// The grid of kernels with a warp for each head's part of each row; and memory, cut into pieces.
dim3 rows_and_heads(int64_t rows, int64_t heads) { return {blocks_of(rows, kRows), static_cast<unsigned>(heads)}; }
Tensor cut(Real*& memory, int64_t rows, int64_t cols) {
  const Tensor x{memory, rows, cols, cols};
  memory += rows * cols;
  return x;
}

}  // namespace

void CudaBackend::elu_features_forward(Tensor y, Tensor x) { map(stream_, x.rows, x.cols, EluFeature{}, Out{y}, In{x}); }
void CudaBackend::elu_features_backward(Tensor dx, Tensor dy, Tensor y) {
  map(stream_, dy.rows, dy.cols, EluSlope{}, Out{dx}, In{dy}, In{y});
}

void CudaBackend::linear_attention_forward(Tiles o, Tensor n, Tiles fq, Tiles fk, Tiles v, const KernelWeights& how) {
  const DevicePacking& packing = on_device(*v.packing);
  const int64_t N = packing.tokens, H = v.heads, d = v.base.cols / H, m = fq.base.cols / H, size = m * (d + 1);
  const dim3 rows = rows_and_heads(N, H), warps(kWarp, kRows);
  Real* memory = scratch(2 * N * H * (d + 1) + States::count(packing) * H * size);
  const Tensor x = cut(memory, N, H * (d + 1)), y = cut(memory, N, H * (d + 1));
  const States S{memory, H, size};
  launch(values_kernel, rows, warps, 0, stream_, x, v.base, H);
  launch(states_kernel, dim3(blocks_of(size, kThreads), static_cast<unsigned>(H), static_cast<unsigned>(packing.sequences)),
         kThreads, 0, stream_, S, fk.base, x, packing, how.causal, false);
  launch(states_product_kernel, rows, warps, 0, stream_, Product{y, fq.base, fk.base, x, false, how.causal, false}, S, packing);
  launch(divide_kernel, rows, warps, 0, stream_, o.base, n, y, H, how.epsilon);
}

void CudaBackend::linear_attention_backward(Tiles dfq, Tiles dfk, Tiles dv, Tiles dout, Tiles o, Tensor n, Tiles fq, Tiles fk,
                                            Tiles v, const KernelWeights& how) {
  const DevicePacking& packing = on_device(*v.packing);
  const int64_t N = packing.tokens, H = v.heads, d = v.base.cols / H, m = fq.base.cols / H, size = m * (d + 1);
  const dim3 rows = rows_and_heads(N, H), warps(kWarp, kRows);
  const dim3 all(blocks_of(size, kThreads), static_cast<unsigned>(H), static_cast<unsigned>(packing.sequences));
  Real* memory = scratch(2 * N * H * (d + 1) + 2 * States::count(packing) * H * size);
  const Tensor x = cut(memory, N, H * (d + 1)), w = cut(memory, N, H * (d + 1));
  const States S{memory, H, size}, Z{memory + States::count(packing) * H * size, H, size};
  launch(values_kernel, rows, warps, 0, stream_, x, v.base, H);
  launch(gradients_kernel, rows, warps, 0, stream_, w, dout.base, o.base, n, H);
  launch(states_kernel, all, kThreads, 0, stream_, S, fk.base, x, packing, how.causal, false);
  launch(states_kernel, all, kThreads, 0, stream_, Z, fq.base, w, packing, how.causal, true);
  launch(states_product_kernel, rows, warps, 0, stream_, Product{dfq.base, w, x, fk.base, true, how.causal, false}, S, packing);
  launch(states_product_kernel, rows, warps, 0, stream_, Product{dfk.base, x, w, fq.base, true, how.causal, true}, Z, packing);
  launch(states_product_kernel, rows, warps, 0, stream_, Product{dv.base, fk.base, fq.base, w, false, how.causal, true}, Z,
         packing);
}

}  // namespace vitrine::inline VITRINE_PRECISION
