#include "backend/ops/cublas.cuh"
#include "backend/ops/tiles.cuh"

// One matrix: cuBLAS. Tiles of equal length: cuBLAS, strided batches. Ragged tiles: a kernel that reads the offsets. What serves a shape is
// decided by the shape alone.
namespace vitrine::inline VITRINE_PRECISION {
namespace {

int whole(int64_t n) { return static_cast<int>(n); }
cublasOperation_t op(bool transposed) { return transposed ? CUBLAS_OP_T : CUBLAS_OP_N; }

// cuBLAS counts down columns, so what it sees of each matrix is the transpose: Cᵀ = op(B)ᵀ op(A)ᵀ.
struct Shape {
  cublasOperation_t a, b;
  int m, n, k, lda, ldb, ldc;  // of what cuBLAS calls A and B
  Shape(Tensor c, Operand<Tensor> left, Operand<Tensor> right)
      : a(op(right.transposed)),
        b(op(left.transposed)),
        m(whole(c.cols)),
        n(whole(c.rows)),
        k(whole(left.transposed ? left.view.rows : left.view.cols)),
        lda(whole(std::max(right.view.stride, right.view.cols))),
        ldb(whole(std::max(left.view.stride, left.view.cols))),
        ldc(whole(c.stride)) {}
};

// cublasSgemm or cublasDgemm; and the same for many matrices, some numbers apart.
template <class... A>
void gemm(A... arguments) {
  if constexpr (sizeof(Real) == sizeof(float))
    check_cublas(cublasSgemm(arguments...));
  else
    check_cublas(cublasDgemm(arguments...));
}
template <class... A>
void gemms(A... arguments) {
  if constexpr (sizeof(Real) == sizeof(float))
    check_cublas(cublasSgemmStridedBatched(arguments...));
  else
    check_cublas(cublasDgemmStridedBatched(arguments...));
}

// A block computes kTile × kTile numbers of C, a thread kOwn × kOwn of them; A and B come by kDepth at a time.
constexpr int kDepth = 16, kOwn = 4;

template <int kTile>
struct Panel {
  Real at[kDepth][kTile + kOwn];

  // Columns first … of op(X) [·, K] become rows of the panel: at[k][m] = op(X)_{first + m, from + k}, 0 outside. Neighbouring threads read
  // neighbouring numbers.
  __device__ void load(const Tensor& x, bool transposed, int64_t first, int64_t from, int64_t size, int64_t K, int thread,
                       int threads) {
    for (int t = thread; t < kTile * kDepth; t += threads) {
      const int m = transposed ? t % kTile : t / kDepth, k = transposed ? t / kTile : t % kDepth;
      const int64_t i = first + m, j = from + k;
      at[k][m] = i < size && j < K ? (transposed ? x.row(j)[i] : x.row(i)[j]) : 0;
    }
  }
};

template <int kTile>
__global__ void __launch_bounds__((kTile / kOwn) * (kTile / kOwn))
    tiles_kernel(DeviceTiles c, DeviceTiles a, DeviceTiles b, bool a_transposed, bool b_transposed, DevicePacking packing,
                 unsigned tiles_across, Real scale, bool add) {
  constexpr int kSide = kTile / kOwn, kThreads = kSide * kSide;
  __shared__ Panel<kTile> left, right;
  const Tensor C = c(packing, blockIdx.z, blockIdx.y), A = a(packing, blockIdx.z, blockIdx.y),
               B = b(packing, blockIdx.z, blockIdx.y);
  const int64_t first_row = int64_t{blockIdx.x / tiles_across} * kTile, first_col = int64_t{blockIdx.x % tiles_across} * kTile;
  if (first_row >= C.rows || first_col >= C.cols) return;
  const int64_t K = a_transposed ? A.rows : A.cols;
  const int thread = static_cast<int>(threadIdx.x), row = thread / kSide * kOwn, col = thread % kSide * kOwn;
  Real sum[kOwn][kOwn] = {};
  for (int64_t from = 0; from < K; from += kDepth) {
    left.load(A, a_transposed, first_row, from, C.rows, K, thread, kThreads);
    right.load(B, !b_transposed, first_col, from, C.cols, K, thread, kThreads);
    __syncthreads();
    for (int k = 0; k < kDepth; ++k) {
      Real x[kOwn], y[kOwn];
      for (int r = 0; r < kOwn; ++r) x[r] = left.at[k][row + r], y[r] = right.at[k][col + r];
      for (int r = 0; r < kOwn; ++r)
        for (int s = 0; s < kOwn; ++s) sum[r][s] += x[r] * y[s];
    }
    __syncthreads();
  }
  for (int r = 0; r < kOwn; ++r)
    for (int s = 0; s < kOwn; ++s) {
      const int64_t i = first_row + row + r, j = first_col + col + s;
      if (i < C.rows && j < C.cols) C.row(i)[j] = scale * sum[r][s] + (add ? C.row(i)[j] : 0);
    }
}

}  // namespace

void CudaBackend::product(Tensor c, Operand<Tensor> a, Operand<Tensor> b, Real scale, Real keep) {
  const Shape shape(c, a, b);
  if (shape.k == 0 && keep == 0) return fill(c, 0);
  if (c.size() > 0 && shape.k > 0)
    gemm(blas_, shape.a, shape.b, shape.m, shape.n, shape.k, &scale, b.view.data, shape.lda, a.view.data, shape.ldb, &keep,
         c.data, shape.ldc);
}

// C = scale · op(A) op(B)   or   C += …
void CudaBackend::matmul(Tensor c, Operand<Tensor> a, Operand<Tensor> b, Real scale, Write write) {
  product(c, a, b, scale, write == Write::kAdd ? 1 : 0);
}

// Tiles of equal length lie at offset + b · step + h · step': strided batches over the larger of B and H, one after the other over the smaller.
void CudaBackend::matmul(Tiles c, Operand<Tiles> a, Operand<Tiles> b, Real scale, Write write) {
  const DevicePacking& packing = on_device(*c.packing);
  const int64_t B = packing.sequences, H = c.heads, T = packing.longest;
  if (packing.tokens == 0) return;
  if (packing.equal) {
    const bool over_sequences = B >= H;
    const auto step = [&](const Tiles& x) -> long long {
      if (x.square) return over_sequences ? H * T * T : T * T;
      return over_sequences ? T * x.base.stride : x.base.cols / H;
    };
    const Real keep = write == Write::kAdd ? 1 : 0;
    for (int64_t n = 0; n < std::min(B, H); ++n) {
      const int64_t s = over_sequences ? 0 : n, h = over_sequences ? n : 0;
      const Tensor C = c(s, h), A = a.view(s, h), X = b.view(s, h);
      const Shape shape(C, {A, a.transposed}, {X, b.transposed});
      gemms(blas_, shape.a, shape.b, shape.m, shape.n, shape.k, &scale, X.data, shape.lda, step(b.view), A.data, shape.ldb,
            step(a.view), &keep, C.data, shape.ldc, step(c), whole(std::max(B, H)));
    }
    return;
  }
  const int64_t M = T, N = c.square ? T : c.base.cols / H;
  const auto with_tile = [&](auto tile) {
    constexpr int kTile = tile(), kThreads = (kTile / kOwn) * (kTile / kOwn);
    const unsigned across = blocks_of(N, kTile);
    launch(tiles_kernel<kTile>, dim3(blocks_of(M, kTile) * across, static_cast<unsigned>(H), static_cast<unsigned>(B)), kThreads,
           0, stream_, c, a.view, b.view, a.transposed, b.transposed, packing, across, scale, write == Write::kAdd);
  };
  if (M <= 32 || N <= 32)
    with_tile(std::integral_constant<int, 32>{});
  else
    with_tile(std::integral_constant<int, 64>{});
}

}  // namespace vitrine::inline VITRINE_PRECISION
