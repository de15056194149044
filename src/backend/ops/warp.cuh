#pragma once
#include <algorithm>
#include <cmath>
#include <type_traits>

#include "backend/launch.cuh"
#include "tensor/tensor.h"

// What kernels share: how the threads of a row add up, and how many blocks a loop needs.
namespace vitrine::inline VITRINE_PRECISION {

constexpr int kWarp = 32;
constexpr unsigned kAllLanes = 0xFFFFFFFFu;

inline unsigned blocks_of(int64_t n, int64_t size) { return static_cast<unsigned>((n + size - 1) / size); }

struct Sum {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a + b;
  }
};
struct Largest {  // a NaN that comes second is not seen, as on the CPU: it shows in the sum that follows
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a < b ? b : a;
  }
};

// op over the kLanes threads of a row, the same in each of them, in a fixed order. kLanes is 32, and a block has any number of rows
// (threadIdx.y), or it is more, and a block is one row.
template <int kLanes, class Op, class T>
__device__ T over_row(T x, Op op) {
  for (int step = kWarp / 2; step > 0; step /= 2) x = op(x, __shfl_xor_sync(kAllLanes, x, step));
  if constexpr (kLanes > kWarp) {
    __shared__ T part[kLanes / kWarp];
    __syncthreads();  // what was here has been read
    if (threadIdx.x % kWarp == 0) part[threadIdx.x / kWarp] = x;
    __syncthreads();
    x = part[0];
    for (int w = 1; w < kLanes / kWarp; ++w) x = op(x, part[w]);
  }
  return x;
}

// f(kLanes as a constant, blocks, threads) for a kernel in which kLanes threads go over each of `rows` rows of about `cols` numbers.
template <class F>
void with_lanes(int64_t rows, int64_t cols, F f) {
  constexpr unsigned kRows = 4, kMany = 256;
  if (cols <= 1024)
    f(std::integral_constant<int, kWarp>{}, blocks_of(rows, kRows), dim3(kWarp, kRows));
  else
    f(std::integral_constant<int, kMany>{}, static_cast<unsigned>(rows), dim3(kMany));
}

// The row of a thread, in kernels that with_lanes() launches.
__device__ inline int64_t row_of_thread() { return int64_t{blockIdx.x} * blockDim.y + threadIdx.y; }

}  // namespace vitrine::inline VITRINE_PRECISION
