#include "backend/ops/tiles.cuh"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

// S_ij += R_{r,c},  r = i or j,  c = clamp(centre ± (j − i), 0, columns − 1)
template <int kLanes>
__global__ void add_by_offset_kernel(DeviceTiles s, DeviceTiles r, DevicePacking packing, ByOffset which) {
  const int64_t at = row_of_thread();
  if (at >= packing.tokens) return;
  const TileRow row(packing, at);
  const Tensor R = r(packing, row.b, row.h);
  Real* si = s(packing, row.b, row.h).row(row.i);
  const int64_t turn = which.reversed ? -1 : 1, end = R.cols - 1;
  for (int64_t j = threadIdx.x; j < row.T; j += kLanes)
    si[j] += R.row(which.of_key ? j : row.i)[std::clamp<int64_t>(which.centre + turn * (j - row.i), 0, end)];
}

// The sums of sum_by_offset, the other way round: of the number in column c of row r, a sum over the pairs that it stands for. These are
// the pairs of r with others o whose offset s (o − r) is c − centre, or beyond it where c is at an end of R.
struct Others {
  int64_t from, to;  // o in [from, to)
};
__device__ Others others_of(int64_t c, int64_t r, int64_t T, const ByOffset& which, int64_t end) {
  const int64_t s = which.reversed != which.of_key ? -1 : 1, o = r + s * (c - which.centre);
  const bool below = c == 0, above = c == end;  // every o on this side has this column too
  const bool first = s > 0 ? below : above, last = s > 0 ? above : below;
  return {first ? 0 : std::clamp<int64_t>(o, 0, T), last ? T : std::clamp<int64_t>(o + 1, 0, T)};
}

// dR [T_b, columns], a row of it: a thread for each column, and for the two at the ends, which stand for many pairs, all threads
template <int kLanes>
__global__ void sum_by_offset_kernel(DeviceTiles dr, DeviceTiles ds, DevicePacking packing, ByOffset which) {
  const int64_t at = row_of_thread();
  if (at >= packing.tokens) return;
  const TileRow row(packing, at);
  const Tensor dR = dr(packing, row.b, row.h), dS = ds(packing, row.b, row.h);
  const int64_t r = row.i, end = dR.cols - 1;
  const auto pair = [&](int64_t o) { return which.of_key ? dS.row(o)[r] : dS.row(r)[o]; };
  for (int64_t c = 1 + threadIdx.x; c < end; c += kLanes) {
    const Others others = others_of(c, r, row.T, which, end);
    if (others.from < others.to) dR.row(r)[c] += pair(others.from);
  }
  for (int64_t c = 0; c <= end; c += std::max<int64_t>(1, end)) {
    const Others others = others_of(c, r, row.T, which, end);
    Real sum = 0;
    for (int64_t o = others.from + threadIdx.x; o < others.to; o += kLanes) sum += pair(o);
    sum = over_row<kLanes>(sum, Sum{});
    if (threadIdx.x == 0) dR.row(r)[c] += sum;
  }
}

// dR [H, columns] for all rows of all sequences: a block for each of its numbers
constexpr int kThreads = 256;
__global__ void sum_over_rows_kernel(Tensor dr, int64_t heads, DeviceTiles ds, DevicePacking packing, ByOffset which) {
  const int64_t c = blockIdx.x, h = blockIdx.y, columns = dr.cols / heads;
  Real sum = 0;
  for (int64_t row = threadIdx.x; row < packing.tokens; row += kThreads) {
    const int64_t b = packing.sequence[row], i = row - packing.offset[b], T = packing.offset[b + 1] - packing.offset[b];
    const Others others = others_of(c, i, T, {which.centre, which.reversed}, columns - 1);
    const Real* dsi = ds(packing, b, h).row(i);
    for (int64_t j = others.from; j < others.to; ++j) sum += dsi[j];
  }
  sum = over_row<kThreads>(sum, Sum{});
  if (threadIdx.x == 0) dr.data[h * columns + c] += sum;
}

}  // namespace

void CudaBackend::add_by_offset(Tiles s, Tiles r, ByOffset which) {
  const DevicePacking& packing = on_device(*s.packing);
  with_lanes(packing.tokens, packing.longest, [&](auto lanes, unsigned blocks, dim3 threads) {
    launch(add_by_offset_kernel<lanes()>, dim3(blocks, static_cast<unsigned>(s.heads)), threads, 0, stream_, s, r, packing,
           which);
  });
}

void CudaBackend::sum_by_offset(Tiles dr, Tiles ds, ByOffset which) {
  const DevicePacking& packing = on_device(*ds.packing);
  const auto heads = static_cast<unsigned>(ds.heads);
  if (dr.base.stride == 0) {
    launch(sum_over_rows_kernel, dim3(static_cast<unsigned>(dr.base.cols) / heads, heads), kThreads, 0, stream_, dr.base,
           ds.heads, ds, packing, which);
    return;
  }
  with_lanes(packing.tokens, packing.longest, [&](auto lanes, unsigned blocks, dim3 threads) {
    launch(sum_by_offset_kernel<lanes()>, dim3(blocks, heads), threads, 0, stream_, dr, ds, packing, which);
  });
}

}  // namespace vitrine::inline VITRINE_PRECISION
