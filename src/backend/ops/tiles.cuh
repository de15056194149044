#pragma once
#include "backend/cuda_backend.h"
#include "backend/ops/warp.cuh"

namespace vitrine::inline VITRINE_PRECISION {

// Tiles of packing.h where kernels can read them.
struct DeviceTiles {
  Tensor base;
  int64_t heads;
  bool square;

  DeviceTiles(const Tiles& tiles) : base(tiles.base), heads(tiles.heads), square(tiles.square) {}
  __device__ Tensor operator()(const DevicePacking& packing, int64_t b, int64_t h) const {
    const int64_t row = packing.offset[b], T = packing.offset[b + 1] - row;
    if (square) return {base.data + heads * packing.pair_offset[b] + h * T * T, T, T, T};
    const int64_t d = base.cols / heads;
    return base.slice(row, T).columns(h * d, d);
  }
};

// The keys that a row sees, stretch after stretch.
struct Seen {
  const Keys* list;  // or null: all that lies within `ends`
  int64_t count;
  Keys ends;

  __device__ Keys operator[](int64_t n) const {
    if (list == nullptr) return ends;
    const int64_t at = std::max(list[n].at, ends.at), end = std::min(list[n].end(), ends.end());
    return {at, std::max<int64_t>(0, end - at)};
  }
};

// What kernels with threads for each row of each tile know: launch with rows = N, blockIdx.y = head.
struct TileRow {
  int64_t row, b, h, i, T;  // row `row` of the batch is row i of T of sequence b

  __device__ TileRow(const DevicePacking& packing, int64_t at)
      : row(at),
        b(packing.sequence[at]),
        h(blockIdx.y),
        i(at - packing.offset[b]),
        T(packing.offset[b + 1] - packing.offset[b]) {}
  __device__ Seen seen(const DevicePattern& p) const {
    const Keys ends = p.pattern.ends(h, i, T);
    if (p.list == nullptr) return {nullptr, 1, ends};
    const int32_t* first = p.first + h * p.groups + p.group[row];
    return {p.list + first[0], first[1] - first[0], ends};
  }
};

// y_j = f(j) for the keys that a row of T sees, 0 elsewhere.
template <int kLanes, class F>
__device__ void set_seen(Real* y, int64_t T, const Seen& seen, F f) {
  int64_t done = 0;
  for (int64_t n = 0; n < seen.count; ++n) {
    const Keys keys = seen[n];
    if (keys.count == 0) continue;
    for (int64_t j = done + threadIdx.x; j < keys.at; j += kLanes) y[j] = 0;
    for (int64_t j = keys.at + threadIdx.x; j < keys.end(); j += kLanes) y[j] = f(j);
    done = keys.end();
  }
  for (int64_t j = done + threadIdx.x; j < T; j += kLanes) y[j] = 0;
}

// f(j) for the keys that a row sees.
template <int kLanes, class F>
__device__ void each_seen(const Seen& seen, F f) {
  for (int64_t n = 0; n < seen.count; ++n) {
    const Keys keys = seen[n];
    for (int64_t j = keys.at + threadIdx.x; j < keys.end(); j += kLanes) f(j);
  }
}

}  // namespace vitrine::inline VITRINE_PRECISION
