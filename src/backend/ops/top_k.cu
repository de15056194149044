#include <limits>

#include "backend/ops/select.cuh"
#include "backend/ops/tiles.cuh"
#include "backend/ops/vector_math.h"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

// Of each row of S:  P = softmax over its k largest entries, of equal ones the first; 0 elsewhere. A warp has a row.
__global__ void top_k_kernel(DeviceTiles p, DeviceTiles s, DevicePacking packing, DevicePattern pattern, int64_t k) {
  const int64_t at = row_of_thread();
  if (at >= packing.tokens) return;
  const TileRow row(packing, at);
  const Seen seen = row.seen(pattern);
  const Real* si = s(packing, row.b, row.h).row(row.i);
  Real *pi = p(packing, row.b, row.h).row(row.i), m = -std::numeric_limits<Real>::infinity(), sum = 0;
  int64_t n = 0;
  each_seen<kWarp>(seen, [&](int64_t j) {
    m = m < si[j] ? si[j] : m;
    sum += si[j] == si[j] ? 0 : si[j];  // NaN stays, selected or not
  });
  m = over_row<kWarp>(m, Largest{});
  for (int64_t l = 0; l < seen.count; ++l) n += seen[l].count;
  const auto each = [&](auto f) { each_seen<kWarp>(seen, [&](int64_t j) { f(ordered(si[j])); }); };
  const Ordered least = n > k ? kth_largest(each, k) : std::numeric_limits<Ordered>::min();
  Border border(each, least, k);

  // which are kept is found in the order of j, 32 at a time, and noted as p > 0; S and P may be one
  int64_t done = 0;
  for (int64_t l = 0; l < seen.count; ++l) {
    const Keys keys = seen[l];
    if (keys.count == 0) continue;
    for (int64_t j = done + threadIdx.x; j < keys.at; j += kWarp) pi[j] = 0;
    for (int64_t first = keys.at; first < keys.end(); first += kWarp) {
      const int64_t j = first + threadIdx.x;
      const bool inside = j < keys.end(), kept = border.keeps(inside ? ordered(si[j]) : least, inside);
      const Real value = kept ? vexp(si[j] - m) : 0;
      if (inside) pi[j] = value;
      sum += value;
    }
    done = keys.end();
  }
  for (int64_t j = done + threadIdx.x; j < row.T; j += kWarp) pi[j] = 0;
  sum = over_row<kWarp>(sum, Sum{});
  const Real scale = sum == 0 ? 0 : 1 / sum;
  each_seen<kWarp>(seen, [&](int64_t j) { pi[j] *= scale; });
}

}  // namespace

void CudaBackend::top_k_forward(Tiles p, Tiles s, int64_t k, const Pattern& pattern) {
  constexpr unsigned kRows = 4;
  const DevicePacking& packing = on_device(*p.packing);
  launch(top_k_kernel, dim3(blocks_of(packing.tokens, kRows), static_cast<unsigned>(p.heads)), dim3(kWarp, kRows), 0, stream_, p,
         s, packing, on_device(pattern, p), k);
}

}  // namespace vitrine::inline VITRINE_PRECISION
