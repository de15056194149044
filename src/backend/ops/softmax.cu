#include <limits>

#include "backend/ops/tiles.cuh"
#include "backend/ops/vector_math.h"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

// Of each row of S [T,T]:  p_j = e^(s_j − m) / Σ_k e^(s_k − m),  m = max s; 0 where the pattern forbids
template <int kLanes>
__global__ void softmax_kernel(DeviceTiles p, DeviceTiles s, DevicePacking packing, DevicePattern pattern) {
  const int64_t at = row_of_thread();
  if (at >= packing.tokens) return;
  const TileRow row(packing, at);
  const Seen seen = row.seen(pattern);
  const Real* si = s(packing, row.b, row.h).row(row.i);
  constexpr Real kForbidden = -std::numeric_limits<Real>::infinity();
  Real most = kForbidden, sum = 0;
  each_seen<kLanes>(seen, [&](int64_t j) { most = most < si[j] ? si[j] : most; });
  most = over_row<kLanes>(most, Largest{});
  const Real m = most == kForbidden ? 0 : most;  // where every score is −∞, nothing is seen
  each_seen<kLanes>(seen, [&](int64_t j) { sum += vexp(si[j] - m); });
  sum = over_row<kLanes>(sum, Sum{});
  const Real scale = sum == 0 ? 0 : 1 / sum;
  set_seen<kLanes>(p(packing, row.b, row.h).row(row.i), row.T, seen, [&](int64_t j) { return vexp(si[j] - m) * scale; });
}

// dS = P ⊙ (dP − rowsum(dP ⊙ P)); 0 where the pattern forbids                                            (softmax.md)
template <int kLanes>
__global__ void softmax_backward_kernel(DeviceTiles ds, DeviceTiles dp, DeviceTiles p, DevicePacking packing,
                                        DevicePattern pattern) {
  const int64_t at = row_of_thread();
  if (at >= packing.tokens) return;
  const TileRow row(packing, at);
  const Seen seen = row.seen(pattern);
  const Real *dpi = dp(packing, row.b, row.h).row(row.i), *pi = p(packing, row.b, row.h).row(row.i);
  Real dot = 0;
  each_seen<kLanes>(seen, [&](int64_t j) { dot += dpi[j] * pi[j]; });
  dot = over_row<kLanes>(dot, Sum{});
  set_seen<kLanes>(ds(packing, row.b, row.h).row(row.i), row.T, seen, [&](int64_t j) { return pi[j] * (dpi[j] - dot); });
}

}  // namespace

void CudaBackend::softmax_forward(Tiles p, Tiles s, const Pattern& pattern) {
  const DevicePacking& packing = on_device(*p.packing);
  with_lanes(packing.tokens, packing.longest, [&](auto lanes, unsigned blocks, dim3 threads) {
    launch(softmax_kernel<lanes()>, dim3(blocks, static_cast<unsigned>(p.heads)), threads, 0, stream_, p, s, packing,
           on_device(pattern, p));
  });
}

void CudaBackend::softmax_backward(Tiles ds, Tiles dp, Tiles p, const Pattern& pattern) {
  const DevicePacking& packing = on_device(*p.packing);
  with_lanes(packing.tokens, packing.longest, [&](auto lanes, unsigned blocks, dim3 threads) {
    launch(softmax_backward_kernel<lanes()>, dim3(blocks, static_cast<unsigned>(p.heads)), threads, 0, stream_, ds, dp, p,
           packing, on_device(pattern, p));
  });
}

}  // namespace vitrine::inline VITRINE_PRECISION
