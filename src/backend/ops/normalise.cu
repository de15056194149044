#include "backend/ops/tiles.cuh"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

// Of each row of S [T,T]:  p_j = s_j / (Σ_k s_k + ε); 0 where the mask forbids
template <int kLanes>
__global__ void normalise_kernel(DeviceTiles p, DeviceTiles s, DevicePacking packing, bool causal, Real epsilon) {
  const int64_t at = row_of_thread();
  if (at >= packing.tokens) return;
  const TileRow row(packing, at);
  const int64_t n = causal ? row.i + 1 : row.T;
  const Real* si = s(packing, row.b, row.h).row(row.i);
  Real *pi = p(packing, row.b, row.h).row(row.i), sum = 0;
  for (int64_t j = threadIdx.x; j < n; j += kLanes) sum += si[j];
  const Real scale = 1 / (over_row<kLanes>(sum, Sum{}) + epsilon);
  for (int64_t j = threadIdx.x; j < row.T; j += kLanes) pi[j] = j < n ? si[j] * scale : 0;
}

}  // namespace

void CudaBackend::normalise_rows(Tiles p, Tiles s, bool causal, Real epsilon) {
  const DevicePacking& packing = on_device(*p.packing);
  with_lanes(packing.tokens, packing.longest, [&](auto lanes, unsigned blocks, dim3 threads) {
    launch(normalise_kernel<lanes()>, dim3(blocks, static_cast<unsigned>(p.heads)), threads, 0, stream_, p, s, packing, causal,
           epsilon);
  });
}

}  // namespace vitrine::inline VITRINE_PRECISION
