#include <limits>

#include "backend/ops/column_sum.cuh"
#include "backend/ops/entmax_math.h"
#include "backend/ops/tiles.cuh"

// Derived in layers/attention/entmax.md.
namespace vitrine::inline VITRINE_PRECISION {
namespace {

// Of each row of S:  p_j = exp_α(s_j − m − λ),  m = max s, with the λ that makes Σ p = 1 (entmax.cpp says how it is found)
template <int kLanes>
__global__ void entmax_kernel(DeviceTiles p, DeviceTiles s, DevicePacking packing, DevicePattern pattern, const Real* alpha) {
  constexpr int kMost = 100;
  const int64_t at = row_of_thread();
  if (at >= packing.tokens) return;
  const TileRow row(packing, at);
  const Seen seen = row.seen(pattern);
  const Real epsilon = epsilon_of(alpha[row.h]), *si = s(packing, row.b, row.h).row(row.i);
  Real *pi = p(packing, row.b, row.h).row(row.i), m = -std::numeric_limits<Real>::infinity();
  each_seen<kLanes>(seen, [&](int64_t j) { m = m < si[j] ? si[j] : m; });
  m = over_row<kLanes>(m, Largest{});
  with_form(epsilon, [&](auto exp) {
    Real lambda = 0, sum = 0;
    for (int step = 0; step < kMost; ++step) {
      Real P = 0, U = 0;
      each_seen<kLanes>(seen, [&](int64_t j) {
        const ExpValue e = exp.of((si[j] - m) - lambda);
        P += e.p, U += e.u;
      });
      P = over_row<kLanes>(P, Sum{}), U = over_row<kLanes>(U, Sum{});
      const Real next = lambda + newton_step(P, U, epsilon);
      if (!(next > lambda)) break;  // the same in each thread of the row
      lambda = next;
    }
    const Real shift = m + lambda;
    each_seen<kLanes>(seen, [&](int64_t j) { sum += exp.of(si[j] - shift).p; });
    sum = over_row<kLanes>(sum, Sum{});
    const Real scale = sum == 0 ? 0 : 1 / sum;  // rounding
    set_seen<kLanes>(pi, row.T, seen, [&](int64_t j) { return exp.of(si[j] - shift).p * scale; });
  });
}

// u = p^(2 − α),  ũ = u / Σ u,  dS = u ⊙ (dP − Σ ũ dP)                                 (Peters et al. 2019, §3.2)
// dalpha[row, h] = Σ dP ⊙ ((p − ũ)/(α − 1)² + (η − ũ Σ η)/(α − 1)),  η = −p ln p, unless it is null     (Correia et al. 2019, §3.2)
template <int kLanes>
__global__ void entmax_backward_kernel(DeviceTiles ds, Real* dalpha, DeviceTiles dp, DeviceTiles p, DevicePacking packing,
                                       DevicePattern pattern, const Real* alpha) {
  const int64_t at = row_of_thread();
  if (at >= packing.tokens) return;
  const TileRow row(packing, at);
  const Seen seen = row.seen(pattern);
  const Real epsilon = epsilon_of(alpha[row.h]);
  const Real *dpi = dp(packing, row.b, row.h).row(row.i), *pi = p(packing, row.b, row.h).row(row.i);
  with_form(epsilon, [&](auto exp) {
    Real sum = 0, dot = 0;
    each_seen<kLanes>(seen, [&](int64_t j) {
      const Real u = exp.slope(pi[j]);
      sum += u;
      dot += u * dpi[j];
    });
    sum = over_row<kLanes>(sum, Sum{}), dot = over_row<kLanes>(dot, Sum{});
    const Real mean = sum > 0 ? dot / sum : 0;
    if (dalpha != nullptr) {
      Real direct = 0, entropy = 0, weighted = 0;
      each_seen<kLanes>(seen, [&](int64_t j) {
        const Real eta = pi[j] > 0 ? -pi[j] * vlog(pi[j]) : 0;
        direct += sum > 0 ? dpi[j] * (pi[j] - exp.slope(pi[j]) / sum) : 0;
        entropy += eta;
        weighted += dpi[j] * eta;
      });
      direct = over_row<kLanes>(direct, Sum{}), entropy = over_row<kLanes>(entropy, Sum{});
      weighted = over_row<kLanes>(weighted, Sum{});
      if (threadIdx.x == 0) {
        const Real all = direct / (epsilon * epsilon) + (weighted - mean * entropy) / epsilon;
        dalpha[at * ds.heads + row.h] = sum > 0 ? all : 0;
      }
    }
    set_seen<kLanes>(ds(packing, row.b, row.h).row(row.i), row.T, seen,
                     [&](int64_t j) { return exp.slope(pi[j]) * (dpi[j] - mean); });
  });
}

struct OfRow {
  const Real* dalpha;
  int64_t heads;
  __device__ void operator()(Real (&sum)[1], int64_t i, int64_t h) const { sum[0] += dalpha[i * heads + h]; }
};

}  // namespace

void CudaBackend::entmax_forward(Tiles p, Tiles s, Tensor alpha, const Pattern& pattern) {
  const DevicePacking& packing = on_device(*p.packing);
  with_lanes(packing.tokens, packing.longest, [&](auto lanes, unsigned blocks, dim3 threads) {
    launch(entmax_kernel<lanes()>, dim3(blocks, static_cast<unsigned>(p.heads)), threads, 0, stream_, p, s, packing,
           on_device(pattern, p), alpha.data);
  });
}

void CudaBackend::entmax_backward(Tiles ds, Tensor dalpha, Tiles dp, Tiles p, Tensor alpha, const Pattern& pattern) {
  const DevicePacking& packing = on_device(*p.packing);
  const int64_t N = packing.tokens, H = p.heads;
  const RowChunks chunks(N, H);
  Real* const part = dalpha.empty() ? nullptr : scratch(N * H + chunks.numbers(H, 1));
  with_lanes(N, packing.longest, [&](auto lanes, unsigned blocks, dim3 threads) {
    launch(entmax_backward_kernel<lanes()>, dim3(blocks, static_cast<unsigned>(H)), threads, 0, stream_, ds, part, dp, p, packing,
           on_device(pattern, p), alpha.data);
  });
  if (part != nullptr) add_column_sums<1>(stream_, {{dalpha.data}}, OfRow{part, H}, N, H, chunks, part + N * H);
}

}  // namespace vitrine::inline VITRINE_PRECISION
