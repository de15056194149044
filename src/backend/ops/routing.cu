#include <limits>

#include "backend/ops/select.cuh"
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

// The members of clusters where kernels can read them. `places` of sequence b start at row offset[b] + b·c, w for each cluster, ascending.
struct DeviceMembers {
  Tensor places;
  int64_t clusters;
  DevicePacking packing;

  __device__ int64_t start(int64_t b) const { return packing.offset[b] + b * clusters; }
  __device__ int64_t width(int64_t T) const { return (T + clusters - 1) / clusters; }
  // Where row i stands among the members of cluster k, or −1.
  __device__ int64_t find(int64_t b, int64_t T, int64_t k, int64_t h, int64_t i) const {
    const int64_t w = width(T), first = start(b) + k * w;
    int64_t low = 0, high = w;
    while (low < high) {
      const int64_t middle = (low + high) / 2;
      if (places.row(first + middle)[h] < static_cast<Real>(i))
        low = middle + 1;
      else
        high = middle;
    }
    return low < w && places.row(first + low)[h] == static_cast<Real>(i) ? low : -1;
  }
};

// half[k] = |μ_k|²/2
__global__ void half_squares_kernel(Real* half, Tensor centroids) {
  const int64_t k = row_of_thread();
  if (k >= centroids.rows) return;
  const Real* mu = centroids.row(k);
  Real sum = 0;
  for (int64_t j = threadIdx.x; j < centroids.cols; j += kWarp) sum += mu[j] * mu[j];
  sum = over_row<kWarp>(sum, Sum{});
  if (threadIdx.x == 0) half[k] = sum / 2;
}

// nearest[i, h] = argmax_k score_k(i) − half_k, the first of equals
constexpr int kThreads = 256;
__global__ void nearest_kernel(Tensor nearest, const Real* scores, const Real* half, int64_t clusters, int64_t N) {
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x, h = blockIdx.y;
  if (i >= N) return;
  Real best = -std::numeric_limits<Real>::infinity();
  for (int64_t k = 0; k < clusters; ++k) {
    const Real score = scores[(h * clusters + k) * N + i] - half[h * clusters + k];
    if (score > best) best = score, nearest.row(i)[h] = static_cast<Real>(k);
  }
}

// The w rows with the largest scores of a centroid, ascending, by one warp; −1 behind those of the last
__global__ void members_kernel(DeviceMembers members, const Real* scores) {
  const int64_t k = blockIdx.x, h = blockIdx.y, b = blockIdx.z, c = members.clusters;
  const int64_t first = members.packing.offset[b], T = members.packing.offset[b + 1] - first, w = members.width(T),
                start = members.start(b);
  const Real* score = scores + (h * c + k) * members.packing.tokens + first;
  const auto each = [&](auto f) {
    for (int64_t i = threadIdx.x; i < T; i += kWarp) f(ordered(score[i]));
  };
  const Ordered least = w < T ? kth_largest(each, w) : std::numeric_limits<Ordered>::min();
  Border border(each, least, w);
  int64_t done = 0;
  for (int64_t from = 0; from < T; from += kWarp) {
    const int64_t i = from + threadIdx.x;
    const bool inside = i < T, kept = border.keeps(inside ? ordered(score[i]) : least, inside);
    const unsigned all = __ballot_sync(kAllLanes, kept), before = all & ((1u << threadIdx.x) - 1);
    if (kept) members.places.row(start + k * w + done + __popc(before))[h] = static_cast<Real>(i);
    done += __popc(all);
  }
  if (k == 0)
    for (int64_t g = c * w + threadIdx.x; g < T + c; g += kWarp) members.places.row(start + g)[h] = -1;
}

// How many clusters a token is in
__global__ void count_members_kernel(Tensor counts, DeviceMembers members) {
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= members.packing.tokens) return;
  const TileRow row(members.packing, i);
  int count = 0;
  for (int64_t k = 0; k < members.clusters; ++k) count += members.find(row.b, row.T, k, row.h, row.i) >= 0 ? 1 : 0;
  counts.row(i)[row.h] = static_cast<Real>(count);
}

// y_g = x_member(g) / count, 0 where there is none
__global__ void gather_members_kernel(Tensor y, DeviceTiles x, DeviceMembers members, Tensor counts) {
  const int64_t g = row_of_thread(), h = blockIdx.y, b = blockIdx.z;
  const Tensor X = x(members.packing, b, h);
  if (g >= X.rows + members.clusters) return;
  const int64_t at = members.start(b) + g, i = static_cast<int64_t>(members.places.row(at)[h]);
  Real* yg = y.row(at) + h * X.cols;
  const Real share = i < 0 || counts.empty() ? 1 : 1 / counts.row(members.packing.offset[b] + i)[h];
  for (int64_t j = threadIdx.x; j < X.cols; j += kWarp) yg[j] = i < 0 ? 0 : X.row(i)[j] * share;
}

// x_i = Σ_{g: member(g) = i} y_g / count, in the order of clusters
__global__ void scatter_members_kernel(DeviceTiles x, Tensor y, DeviceMembers members, Tensor counts) {
  const int64_t at = row_of_thread();
  if (at >= members.packing.tokens) return;
  const TileRow row(members.packing, at);
  const int64_t w = members.width(row.T), d = x.base.cols / x.heads;
  const Real share = counts.empty() ? 1 : 1 / counts.row(at)[row.h];
  Real* xi = x.base.row(at) + row.h * d;
  for (int64_t j = threadIdx.x; j < d; j += kWarp) xi[j] = 0;
  for (int64_t k = 0; k < members.clusters; ++k) {
    const int64_t place = members.find(row.b, row.T, k, row.h, row.i);
    if (place < 0) continue;
    const Real* yg = y.row(members.start(row.b) + k * w + place) + row.h * d;
    for (int64_t j = threadIdx.x; j < d; j += kWarp) xi[j] += yg[j] * share;
  }
}

// P_ij = Σ_clusters P'(i, j) / count_i: a warp has a row, and adds cluster after cluster
__global__ void scatter_weights_kernel(DeviceTiles p, DeviceTiles clustered, DevicePacking of_clusters, DeviceMembers queries,
                                       DeviceMembers keys, Tensor counts) {
  const int64_t at = row_of_thread();
  if (at >= queries.packing.tokens) return;
  const TileRow row(queries.packing, at);
  const Real share = 1 / counts.row(at)[row.h];
  Real* pi = p(queries.packing, row.b, row.h).row(row.i);
  for (int64_t j = threadIdx.x; j < row.T; j += kWarp) pi[j] = 0;
  for (int64_t m = 0; m < queries.clusters; ++m) {
    const int64_t place = queries.find(row.b, row.T, m, row.h, row.i);
    if (place < 0) continue;
    __syncwarp();  // what the cluster before added, and the zeros
    const Tensor W = clustered(of_clusters, row.b * (queries.clusters + 1) + m, row.h);
    const int64_t first = keys.start(row.b) + m * W.cols;
    for (int64_t j = threadIdx.x; j < W.cols; j += kWarp)
      pi[static_cast<int64_t>(keys.places.row(first + j)[row.h])] += share * W.row(place)[j];
  }
}

// sums [H·c,d+1] += x_i and 1 in the row of its nearest centroid, in the order of i: a warp has a centroid
__global__ void add_to_centroids_kernel(Tensor sums, Tensor x, int64_t heads, int64_t N, Tensor nearest) {
  const int64_t at = row_of_thread(), c = sums.rows / heads, h = at / c, d = x.cols / heads;
  if (at >= sums.rows) return;
  const Real own = static_cast<Real>(at % c);
  for (int64_t j = threadIdx.x; j <= d; j += kWarp) {
    Real sum = sums.row(at)[j];
    for (int64_t i = 0; i < N; ++i)
      if (nearest.row(i)[h] == own) sum += j < d ? x.row(i)[h * d + j] : 1;
    sums.row(at)[j] = sum;
  }
}

// μ = decay μ + (1 − decay) sum/number, where there is a number
__global__ void move_centroids_kernel(Tensor centroids, Tensor sums, Real decay) {
  const int64_t k = row_of_thread(), d = centroids.cols;
  if (k >= centroids.rows) return;
  const Real number = sums.row(k)[d];
  if (number == 0) return;
  const Real share = (1 - decay) / number;
  for (int64_t j = threadIdx.x; j < d; j += kWarp) centroids.row(k)[j] = decay * centroids.row(k)[j] + share * sums.row(k)[j];
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

// score_k(i) = μ_k·x_i of all rows and centroids of a head at once, in memory of our own
void CudaBackend::route(Members members, Tensor nearest, Tiles x, Tensor centroids, Tensor) {
  const DevicePacking& packing = on_device(*members.packing);
  const int64_t N = packing.tokens, H = x.heads, c = members.clusters, d = x.base.cols / H;
  const auto clusters = static_cast<unsigned>(c), heads = static_cast<unsigned>(H);
  Real *const scores = scratch(H * c * (N + 1)), *const half = scores + H * c * N;
  for (int64_t h = 0; h < H; ++h)
    product({scores + h * c * N, c, N, N}, centroids.slice(h * c, c), x.base.top(N).columns(h * d, d).T(), 1, 0);
  launch(half_squares_kernel, blocks_of(H * c, kRows), dim3(kWarp, kRows), 0, stream_, half, centroids);
  launch(nearest_kernel, dim3(blocks_of(N, kThreads), heads), kThreads, 0, stream_, nearest, scores, half, c, N);
  launch(members_kernel, dim3(clusters, heads, static_cast<unsigned>(packing.sequences)), kWarp, 0, stream_,
         DeviceMembers{members.places, c, packing}, scores);
}

void CudaBackend::count_members(Tensor counts, Members members) {
  const DevicePacking& packing = on_device(*members.packing);
  launch(count_members_kernel, dim3(blocks_of(packing.tokens, kThreads), static_cast<unsigned>(counts.cols)), kThreads, 0,
         stream_, counts, DeviceMembers{members.places, members.clusters, packing});
}

void CudaBackend::gather_members(Tensor y, Tiles x, Members members, Tensor counts) {
  const DevicePacking& packing = on_device(*members.packing);
  launch(gather_members_kernel,
         dim3(blocks_of(packing.longest + members.clusters, kRows), static_cast<unsigned>(x.heads),
              static_cast<unsigned>(packing.sequences)),
         dim3(kWarp, kRows), 0, stream_, y, x, DeviceMembers{members.places, members.clusters, packing}, counts);
}

void CudaBackend::scatter_members(Tiles x, Tensor y, Members members, Tensor counts) {
  const DevicePacking& packing = on_device(*members.packing);
  launch(scatter_members_kernel, rows_and_heads(packing.tokens, x.heads), dim3(kWarp, kRows), 0, stream_, x, y,
         DeviceMembers{members.places, members.clusters, packing}, counts);
}

void CudaBackend::scatter_weights(Tiles p, Tiles clustered, Members queries, Members keys, Tensor counts) {
  const DevicePacking packing = on_device(*queries.packing), of_clusters = on_device(*clustered.packing);
  launch(scatter_weights_kernel, rows_and_heads(packing.tokens, p.heads), dim3(kWarp, kRows), 0, stream_, p, clustered,
         of_clusters, DeviceMembers{queries.places, queries.clusters, packing},
         DeviceMembers{keys.places, keys.clusters, packing}, counts);
}

void CudaBackend::add_to_centroids(Tensor sums, Tiles x, Tensor nearest) {
  launch(add_to_centroids_kernel, blocks_of(sums.rows, kRows), dim3(kWarp, kRows), 0, stream_, sums, x.base, x.heads,
         x.packing->tokens(), nearest);
}

void CudaBackend::move_centroids(Tensor centroids, Tensor sums, Real decay) {
  launch(move_centroids_kernel, blocks_of(centroids.rows, kRows), dim3(kWarp, kRows), 0, stream_, centroids, sums, decay);
}

}  // namespace vitrine::inline VITRINE_PRECISION
