#include <limits>

#include "backend/device_error.h"
#include "backend/ops/dropout_mask.cuh"
#include "backend/ops/map.cuh"
#include "backend/ops/tiles.cuh"
#include "backend/ops/vector_math.h"

// Derived in layers/attention/fused.md. A block of threads has 32 rows (queries, or in dK and dV keys) and goes over the others by 32. Four threads
// share a row: of its 32 products with the others each computes eight, two quads, and of its sums a quarter of the columns. Nothing is
// added by two blocks, so what needs sums over queries and what needs sums over keys are two kernels, which both compute the weights.
namespace vitrine::inline VITRINE_PRECISION {
namespace {

constexpr int kRows = 32, kShare = 4, kThreads = kRows * kShare, kOwn = kRows / kShare;
// Of a multiprocessor at once, at least: leaves a thread 168 registers, or 255. Left to itself, ptxas takes fewer and spills some.
template <int kWidth>
constexpr int kBlocks = kWidth <= 64 ? 3 : 2;
constexpr Real kNothing = -std::numeric_limits<Real>::infinity();

// What all kernels know of the weights.
struct Weights {
  DevicePacking packing;
  DevicePattern pattern;
  Tensor bias;  // or empty
  DropoutMask mask;
  bool drops;
  Real scale;
  int64_t first_row;
};

// The weights of one sequence and head.
struct Head {
  const Weights& of;
  int64_t h, row, T, reach;  // the sequence starts at `row`; reach: offsets that the bias lists

  __device__ explicit Head(const Weights& weights)
      : of(weights),
        h(blockIdx.y),
        row(weights.packing.offset[blockIdx.z]),
        T(weights.packing.offset[blockIdx.z + 1] - row),
        reach(weights.bias.empty() ? T : weights.bias.cols / 2) {}
  // The keys of query i, and the queries of key j, lie in these; of a block of rows, from the first's first to the last's last.
  __device__ Keys keys_of(int64_t i) const {
    const Keys ends = of.pattern.pattern.ends(h, i, T);
    const int64_t at = std::max(ends.at, i - reach), end = std::min(ends.end(), i + reach + 1);
    return {at, end - at};
  }
  __device__ Keys queries_of(int64_t j) const {
    const Pattern& p = of.pattern.pattern;
    const int64_t w = p.block == 0 ? p.window_of(h) : Pattern::kNoLimit, window = w >= 0 ? std::min(w, reach) : reach;
    const int64_t at = p.causal ? j : std::max<int64_t>(0, j - window);
    return {at, std::min(T, j + window + 1) - at};
  }
  __device__ Seen seen_by(int64_t i) const {
    const int32_t* first = of.pattern.first + h * of.pattern.groups + of.pattern.group[row + i];
    return {of.pattern.list + first[0], first[1] - first[0], keys_of(i)};
  }
  __device__ bool sees(int64_t i, int64_t j) const {
    const Keys ends = keys_of(i);
    if (i >= T || j < ends.at || j >= ends.end()) return false;
    if (of.pattern.list == nullptr) return true;
    const Seen seen = seen_by(i);
    for (int64_t n = 0; n < seen.count; ++n)
      if (const Keys keys = seen[n]; j >= keys.at && j < keys.end()) return true;
    return false;
  }
  // Whether any of 32 queries sees any of 32 keys; asked by all threads of the block.
  __device__ bool any_sees(int64_t first_query, int64_t first_key) const {
    if (of.pattern.list == nullptr) return true;
    __shared__ unsigned any;
    __syncthreads();  // the last answer has been read
    if (threadIdx.x < kWarp) {
      bool meets = false;
      if (const int64_t i = first_query + threadIdx.x; i < T) {
        const Seen seen = seen_by(i);
        for (int64_t n = 0; n < seen.count; ++n) meets = meets || (seen[n].at < first_key + kRows && seen[n].end() > first_key);
      }
      const unsigned votes = __ballot_sync(kAllLanes, meets);
      if (threadIdx.x == 0) any = votes;
    }
    __syncthreads();
    return any != 0;
  }
  // s + the bias of its offset
  __device__ Real score(Real product, int64_t i, int64_t j) const {
    return of.scale * product + (of.bias.empty() ? 0 : of.bias.row(h)[reach + j - i]);
  }
  __device__ DropoutMask::Factors factors(int64_t i, int64_t quad) const {
    return of.mask.of_head(h).factors(of.first_row + row + i, quad);
  }
};

// 32 rows of up to kWidth numbers in shared memory, four numbers more apart so that four rows of a warp come from other banks.
template <int kWidth>
struct Panel {
  static constexpr int kStride = kWidth + 4, kSize = kRows * kStride;
  Real* at;

  __device__ void load(const Tensor& x, int64_t first) const {
    for (int t = threadIdx.x; t < kRows * kWidth; t += kThreads) {
      const int r = t / kWidth, c = t % kWidth;
      at[r * kStride + c] = first + r < x.rows && c < x.cols ? x.row(first + r)[c] : 0;
    }
  }
  __device__ Pack<4> four(int r, int c) const { return *reinterpret_cast<const Pack<4>*>(at + r * kStride + c); }
};

// The place of a thread: its row of the block's 32; the t-th of its eight others is other(t), its columns are column(u) … column(u) + 3.
struct Place {
  int row = static_cast<int>(threadIdx.x) / kShare, part = static_cast<int>(threadIdx.x) % kShare;
  __device__ Place() {}
  __device__ int other(int t) const { return 4 * part + t % 4 + t / 4 * 16; }
  __device__ int column(int u) const { return 16 * u + 4 * part; }
};

template <class Op>
__device__ Real over_share(Real x, Op op) {
  x = op(x, __shfl_xor_sync(kAllLanes, x, 1));
  return op(x, __shfl_xor_sync(kAllLanes, x, 2));
}

// Bit t: sees(other(t)). One copy of that code for all eight, which costs no registers.
template <class F>
__device__ unsigned seen_of(const Place& place, F sees) {
  unsigned seen = 0;
  VITRINE_ROLLED for (int t = 0; t < kOwn; ++t) seen |= unsigned{sees(place.other(t))} << t;
  return seen;
}

// products[t] = own row · other(t)
template <int kWidth>
__device__ void multiply(Real (&products)[kOwn], Panel<kWidth> own, Panel<kWidth> others, const Place& place) {
  for (int t = 0; t < kOwn; ++t) products[t] = 0;
  for (int c = 0; c < kWidth; c += 4) {
    const Pack<4> x = own.four(place.row, c);
    for (int t = 0; t < kOwn; ++t) {
      const Pack<4> y = others.four(place.other(t), c);
      products[t] += x.v[0] * y.v[0] + x.v[1] * y.v[1] + x.v[2] * y.v[2] + x.v[3] * y.v[3];
    }
  }
}

// 32 × 32 numbers in shared memory: the factors of the others, row by row.
struct Square {
  static constexpr int kStride = kRows + 1, kSize = kRows * kStride;
  Real* at;
  __device__ Real& operator()(int row, int other) const { return at[row * kStride + other]; }
};

// sum[u, e] += Σ_others factor · others[·, column(u) + e]
template <int kWidth>
__device__ void accumulate(Real (&sum)[kWidth / 16][4], Square factors, Panel<kWidth> others, const Place& place) {
  for (int other = 0; other < kRows; ++other) {
    const Real factor = factors(place.row, other);
    for (int u = 0; u < kWidth / 16; ++u) {
      const Pack<4> x = others.four(other, place.column(u));
      for (int e = 0; e < 4; ++e) sum[u][e] += factor * x.v[e];
    }
  }
}

template <int kWidth>
__device__ void store(const Tensor& y, int64_t i, const Real (&sum)[kWidth / 16][4], Real scale, const Place& place) {
  if (i >= y.rows) return;
  for (int u = 0; u < kWidth / 16; ++u)
    for (int e = 0; e < 4; ++e)
      if (const int c = place.column(u) + e; c < y.cols) y.row(i)[c] = scale * sum[u][e];
}

// Over the blocks of keys:  S = scale Q Kᵀ + bias,  m' = max(m, max S),  P = e^(S − m'),  ℓ = ℓ e^(m − m') + rowsum P,
// O = O e^(m − m') + dropout(P) V;  at the end  O = O / ℓ,  lse = m + log ℓ                        (Milakov and Gimelshein 2018)
template <int kWidth>
__global__ void __launch_bounds__(kThreads, kBlocks<kWidth>)
    fused_attention_kernel(DeviceTiles o, Tensor lse, DeviceTiles q, DeviceTiles k, DeviceTiles v, Weights weights) {
  const Head head(weights);
  const Place place;
  const int64_t first = int64_t{blockIdx.x} * kRows, last = std::min(first + kRows, head.T) - 1, i = first + place.row;
  if (first >= head.T) return;
  const Tensor Q = q(weights.packing, blockIdx.z, head.h), K = k(weights.packing, blockIdx.z, head.h),
               V = v(weights.packing, blockIdx.z, head.h);
  Real* const shared = dynamic_smem<Real>();
  const Panel<kWidth> queries{shared}, panel{queries.at + Panel<kWidth>::kSize};
  const Square P{panel.at + Panel<kWidth>::kSize};
  queries.load(Q, first);
  Real m = kNothing, sum = 0, out[kWidth / 16][4] = {};
  const int64_t end = head.keys_of(last).end();
  for (int64_t at = std::max<int64_t>(0, head.keys_of(first).at) / kRows * kRows; at < end; at += kRows) {
    if (!head.any_sees(first, at)) continue;
    __syncthreads();
    panel.load(K, at);
    __syncthreads();
    Real p[kOwn], most = m, added = 0;
    multiply(p, queries, panel, place);
    const unsigned seen = seen_of(place, [&](int other) { return head.sees(i, at + other); });
    for (int t = 0; t < kOwn; ++t) {
      p[t] = seen >> t & 1 ? head.score(p[t], i, at + place.other(t)) : kNothing;
      most = most < p[t] ? p[t] : most;
    }
    most = over_share(most, Largest{});
    const Real shrink = m == most ? 1 : vexp(m - most);
    for (int t = 0; t < kOwn; ++t) {
      p[t] = most == kNothing ? 0 : vexp(p[t] - most);
      added += p[t];
    }
    m = most;
    sum = sum * shrink + over_share(added, Sum{});
    for (int half = 0; half < kOwn / 4; ++half) {
      const DropoutMask::Factors keep =
          weights.drops ? head.factors(i, (at + place.other(4 * half)) / 4) : DropoutMask::Factors{{1, 1, 1, 1}};
      for (int e = 0; e < 4; ++e) P(place.row, place.other(4 * half + e)) = p[4 * half + e] * keep.of[e];
    }
    __syncthreads();
    panel.load(V, at);
    __syncthreads();
    for (int u = 0; u < kWidth / 16; ++u)
      for (int e = 0; e < 4; ++e) out[u][e] *= shrink;
    accumulate<kWidth>(out, P, panel, place);
  }
  store<kWidth>(o(weights.packing, blockIdx.z, head.h), i, out, sum > 0 ? 1 / sum : 0, place);
  if (place.part == 0 && i < head.T) lse.row(head.row + i)[head.h] = m + std::log(sum);
}

// dots[row, h] = rowsum(dO ⊙ O): a warp has one head's part of a row
__global__ void dots_kernel(Real* dots, Tensor dout, Tensor o, int64_t heads, int64_t rows) {
  const int64_t i = row_of_thread(), h = blockIdx.y, d = o.cols / heads;
  if (i >= rows) return;
  Real sum = 0;
  for (int64_t j = h * d + threadIdx.x; j < (h + 1) * d; j += kWarp) sum += dout.row(i)[j] * o.row(i)[j];
  sum = over_row<kWarp>(sum, Sum{});
  if (threadIdx.x == 0) dots[i * heads + h] = sum;
}

// What the backward kernels know of a query.
struct Forward {
  Tensor lse;
  const Real* dots;
  int64_t heads;
  __device__ Real log_sum(const Head& head, int64_t i) const { return i < head.T ? lse.row(head.row + i)[head.h] : kNothing; }
  __device__ Real dot(const Head& head, int64_t i) const { return i < head.T ? dots[(head.row + i) * heads + head.h] : 0; }
};

// P = e^(S − lse) of a seen pair, 0 where the bias hides it or the query sees nothing
__device__ Real weight(Real score, Real log_sum) { return score == kNothing || log_sum == kNothing ? 0 : vexp(score - log_sum); }

// dP = dropout(dO Vᵀ),  dS = P ⊙ (dP − rowsum(dO ⊙ O)),  dQ = scale dS K
template <int kWidth>
__global__ void __launch_bounds__(kThreads, kBlocks<kWidth>)
    fused_attention_dq_kernel(DeviceTiles dq, DeviceTiles dout, DeviceTiles q, DeviceTiles k, DeviceTiles v, Forward forward,
                              Weights weights) {
  const Head head(weights);
  const Place place;
  const int64_t first = int64_t{blockIdx.x} * kRows, last = std::min(first + kRows, head.T) - 1, i = first + place.row;
  if (first >= head.T) return;
  const Tensor K = k(weights.packing, blockIdx.z, head.h), V = v(weights.packing, blockIdx.z, head.h);
  Real* const shared = dynamic_smem<Real>();
  constexpr int kSize = Panel<kWidth>::kSize;
  const Panel<kWidth> queries{shared}, gradients{shared + kSize}, panel{shared + 2 * kSize};
  const Square dS{shared + 3 * kSize};
  queries.load(q(weights.packing, blockIdx.z, head.h), first);
  gradients.load(dout(weights.packing, blockIdx.z, head.h), first);
  const Real L = forward.log_sum(head, i), dot = forward.dot(head, i);
  Real sum[kWidth / 16][4] = {};
  const int64_t end = head.keys_of(last).end();
  for (int64_t at = std::max<int64_t>(0, head.keys_of(first).at) / kRows * kRows; at < end; at += kRows) {
    if (!head.any_sees(first, at)) continue;
    Real s[kOwn], dp[kOwn];
    __syncthreads();
    panel.load(V, at);
    __syncthreads();
    multiply(dp, gradients, panel, place);
    __syncthreads();
    panel.load(K, at);
    __syncthreads();
    multiply(s, queries, panel, place);
    const unsigned seen = seen_of(place, [&](int other) { return head.sees(i, at + other); });
    for (int half = 0; half < kOwn / 4; ++half) {
      const DropoutMask::Factors keep =
          weights.drops ? head.factors(i, (at + place.other(4 * half)) / 4) : DropoutMask::Factors{{1, 1, 1, 1}};
      for (int e = 0; e < 4; ++e) {
        const int t = 4 * half + e;
        const Real p = seen >> t & 1 ? weight(head.score(s[t], i, at + place.other(t)), L) : 0;
        dS(place.row, place.other(t)) = p * (dp[t] * keep.of[e] - dot);
      }
    }
    __syncwarp();  // a row's threads are of one warp
    accumulate<kWidth>(sum, dS, panel, place);
  }
  store<kWidth>(dq(weights.packing, blockIdx.z, head.h), i, sum, weights.scale, place);
}

// dV = dropout(P)ᵀ dO,  dK = scale dSᵀ Q
template <int kWidth>
__global__ void __launch_bounds__(kThreads, kBlocks<kWidth>)
    fused_attention_dkv_kernel(DeviceTiles dk, DeviceTiles dv, DeviceTiles dout, DeviceTiles q, DeviceTiles k, DeviceTiles v,
                               Forward forward, Weights weights) {
  const Head head(weights);
  const Place place;
  const int64_t first = int64_t{blockIdx.x} * kRows, last = std::min(first + kRows, head.T) - 1, j = first + place.row;
  if (first >= head.T) return;
  const Tensor Q = q(weights.packing, blockIdx.z, head.h), dO = dout(weights.packing, blockIdx.z, head.h);
  Real* const shared = dynamic_smem<Real>();
  constexpr int kSize = Panel<kWidth>::kSize;
  const Panel<kWidth> keys{shared}, values{shared + kSize}, panel{shared + 2 * kSize};
  const Square own{shared + 3 * kSize}, keep{own.at + Square::kSize};
  keys.load(k(weights.packing, blockIdx.z, head.h), first);
  values.load(v(weights.packing, blockIdx.z, head.h), first);
  Real sum_k[kWidth / 16][4] = {}, sum_v[kWidth / 16][4] = {};
  const int64_t end = head.queries_of(last).end();
  for (int64_t at = head.queries_of(first).at / kRows * kRows; at < end; at += kRows) {
    if (!head.any_sees(at, first)) continue;
    Real p[kOwn], ds[kOwn];
    __syncthreads();
    panel.load(Q, at);
    if (weights.drops)
      for (int n = threadIdx.x; n < kRows * kRows / 4; n += kThreads) {
        const DropoutMask::Factors factors = head.factors(at + n / (kRows / 4), first / 4 + n % (kRows / 4));
        for (int e = 0; e < 4; ++e) keep(n / (kRows / 4), n % (kRows / 4) * 4 + e) = factors.of[e];
      }
    __syncthreads();
    multiply(p, keys, panel, place);
    const unsigned seen = seen_of(place, [&](int other) { return head.sees(at + other, j); });
    for (int t = 0; t < kOwn; ++t) {
      const int64_t i = at + place.other(t);
      p[t] = seen >> t & 1 ? weight(head.score(p[t], i, j), forward.log_sum(head, i)) : 0;
      own(place.row, place.other(t)) = weights.drops ? p[t] * keep(place.other(t), place.row) : p[t];
    }
    __syncthreads();
    panel.load(dO, at);
    __syncthreads();
    accumulate<kWidth>(sum_v, own, panel, place);
    multiply(ds, values, panel, place);
    for (int t = 0; t < kOwn; ++t) {
      const Real dp = weights.drops ? ds[t] * keep(place.other(t), place.row) : ds[t];
      ds[t] = p[t] * (dp - forward.dot(head, at + place.other(t)));
    }
    __syncthreads();
    for (int t = 0; t < kOwn; ++t) own(place.row, place.other(t)) = ds[t];
    panel.load(Q, at);
    __syncthreads();
    accumulate<kWidth>(sum_k, own, panel, place);
  }
  store<kWidth>(dk(weights.packing, blockIdx.z, head.h), j, sum_k, weights.scale, place);
  store<kWidth>(dv(weights.packing, blockIdx.z, head.h), j, sum_v, 1, place);
}

// dbias_h,(W + o) += Σ_i dS_i,(i + o): a block for each offset and head, which computes these weights once more
constexpr int kMany = 256;
__global__ void __launch_bounds__(kMany)
    fused_attention_dbias_kernel(Tensor dbias, DeviceTiles dout, DeviceTiles q, DeviceTiles k, DeviceTiles v, Forward forward,
                                 Weights weights) {
  const int64_t h = blockIdx.y, W = dbias.cols / 2, o = int64_t{blockIdx.x} - W, d = q.base.cols / q.heads;
  const DropoutMask mask = weights.mask.of_head(h);
  const Real bias = weights.bias.row(h)[blockIdx.x];
  Real sum = 0;
  for (int64_t row = threadIdx.x; row < weights.packing.tokens; row += kMany) {
    const int64_t b = weights.packing.sequence[row], first = weights.packing.offset[b], T = weights.packing.offset[b + 1] - first,
                  i = row - first, j = i + o;
    const Real L = forward.lse.row(row)[h];
    const Keys ends = weights.pattern.pattern.ends(h, i, T);
    bool sees = j >= std::max<int64_t>(0, ends.at) && j < std::min(T, ends.end()) && L != kNothing && bias != kNothing;
    if (sees && weights.pattern.list != nullptr) {
      const int32_t* list = weights.pattern.first + h * weights.pattern.groups + weights.pattern.group[row];
      const Seen seen{weights.pattern.list + list[0], list[1] - list[0], ends};
      sees = false;
      for (int64_t n = 0; n < seen.count; ++n) sees = sees || (j >= seen[n].at && j < seen[n].end());
    }
    if (!sees) continue;
    const Real *qi = q.base.row(row) + h * d, *kj = k.base.row(first + j) + h * d, *doi = dout.base.row(row) + h * d,
               *vj = v.base.row(first + j) + h * d;
    Real s = 0, dp = 0;
    for (int64_t c = 0; c < d; ++c) s += qi[c] * kj[c], dp += doi[c] * vj[c];
    if (weights.drops) dp *= mask.factor(weights.first_row + row, j);
    sum += vexp(weights.scale * s + bias - L) * (dp - forward.dots[row * forward.heads + h]);
  }
  sum = over_row<kMany>(sum, Sum{});
  if (threadIdx.x == 0) dbias.row(h)[blockIdx.x] += sum;
}

template <class F>
void with_width(int64_t d, F f) {
  if (d <= 16) return f(std::integral_constant<int, 16>{});
  if (d <= 32) return f(std::integral_constant<int, 32>{});
  if (d <= 64) return f(std::integral_constant<int, 64>{});
  if (d <= 128) return f(std::integral_constant<int, 128>{});
  no_kernel("fused attention of heads wider than 128");
}

template <int kWidth>
size_t shared_bytes(int panels, int squares) {
  return static_cast<size_t>(panels * Panel<kWidth>::kSize + squares * Square::kSize) * sizeof(Real);
}

dim3 blocks_of_rows(const DevicePacking& packing, int64_t heads) {
  return {blocks_of(packing.longest, kRows), static_cast<unsigned>(heads), static_cast<unsigned>(packing.sequences)};
}

}  // namespace

void CudaBackend::fused_attention_forward(Tiles o, Tensor lse, Tiles q, Tiles k, Tiles v, const AttentionWeights& how) {
  const DevicePacking& packing = on_device(*q.packing);
  const Weights weights{
      packing, on_device(how.pattern, q), how.bias, DropoutMask(how.key, how.rate), how.rate > 0, how.scale, how.first_row};
  with_width(q.base.cols / q.heads, [&](auto width) {
    launch(fused_attention_kernel<width()>, blocks_of_rows(packing, q.heads), kThreads, shared_bytes<width()>(2, 1), stream_, o,
           lse, q, k, v, weights);
  });
}

void CudaBackend::fused_attention_backward(Tiles dq, Tiles dk, Tiles dv, Tensor dbias, Tiles dout, Tiles o, Tensor lse, Tiles q,
                                           Tiles k, Tiles v, const AttentionWeights& how) {
  constexpr unsigned kDots = 4;
  const DevicePacking& packing = on_device(*q.packing);
  const Weights weights{
      packing, on_device(how.pattern, q), how.bias, DropoutMask(how.key, how.rate), how.rate > 0, how.scale, how.first_row};
  const Forward forward{lse, scratch(packing.tokens * q.heads), q.heads};
  launch(dots_kernel, dim3(blocks_of(packing.tokens, kDots), static_cast<unsigned>(q.heads)), dim3(kWarp, kDots), 0, stream_,
         scratch_->data, dout.base, o.base, q.heads, packing.tokens);
  with_width(q.base.cols / q.heads, [&](auto width) {
    launch(fused_attention_dq_kernel<width()>, blocks_of_rows(packing, q.heads), kThreads, shared_bytes<width()>(3, 1), stream_,
           dq, dout, q, k, v, forward, weights);
    launch(fused_attention_dkv_kernel<width()>, blocks_of_rows(packing, q.heads), kThreads, shared_bytes<width()>(3, 2), stream_,
           dk, dv, dout, q, k, v, forward, weights);
  });
  if (!dbias.empty())
    launch(fused_attention_dbias_kernel, dim3(static_cast<unsigned>(dbias.cols), static_cast<unsigned>(q.heads)), kMany, 0,
           stream_, dbias, dout, q, k, v, forward, weights);
}

}  // namespace vitrine::inline VITRINE_PRECISION
