#pragma once
#include <cstdint>

#include "backend/launch.cuh"
#include "tensor/tensor.h"

// f(y, a, b …) for the numbers at each place of some tensors, four at a time where addresses and strides allow it. A tensor with stride 0
// has one row, which is that of every row.
namespace vitrine::inline VITRINE_PRECISION {

struct In {
  Tensor at;
  static constexpr bool kReads = true, kWrites = false;
};
struct Out {
  Tensor at;
  static constexpr bool kReads = false, kWrites = true;
};
struct InOut {
  Tensor at;
  static constexpr bool kReads = true, kWrites = true;
};

template <int n>
struct alignas(n == 1 ? sizeof(Real) : 16) Pack {
  Real v[n];
};

namespace map_detail {

template <class, int n>
using PackOf = Pack<n>;  // one for each argument

template <int n, class A>
__device__ Pack<n> load(const A& a, int64_t i, int64_t j) {
  if constexpr (A::kReads)
    return *reinterpret_cast<const Pack<n>*>(a.at.row(i) + j);
  else
    return {};
}

template <int n, class A>
__device__ void store(const A& a, int64_t i, int64_t j, const Pack<n>& x) {
  if constexpr (A::kWrites) *reinterpret_cast<Pack<n>*>(a.at.row(i) + j) = x;
}

template <int n, class F, class... A>
__device__ void at_place(const F& f, int64_t i, int64_t j, const A&... a, PackOf<A, n>... x) {
  for (int k = 0; k < n; ++k) f(x.v[k]...);
  (store<n>(a, i, j, x), ...);
}

template <int n, class F, class... A>
__global__ void map_kernel(F f, int64_t rows, int64_t cols, A... a) {
  const int64_t j = (int64_t{blockIdx.x} * blockDim.x + threadIdx.x) * n;
  if (j >= cols) return;
  for (int64_t i = int64_t{blockIdx.y} * blockDim.y + threadIdx.y; i < rows; i += int64_t{gridDim.y} * blockDim.y)
    at_place<n, F, A...>(f, i, j, a..., load<n>(a, i, j)...);
}

}  // namespace map_detail

template <class F, class... A>
void map(LaunchStream at, int64_t rows, int64_t cols, F f, A... a) {
  constexpr int64_t kThreads = 256, kMostBlocks = 65535;
  constexpr int kPack = 4;
  if (((a.at.stride == cols) && ...)) cols *= rows, rows = 1;
  const auto aligned = [](const Tensor& t) { return reinterpret_cast<uintptr_t>(t.data) % 16 == 0 && t.stride % kPack == 0; };
  const bool packs = cols % kPack == 0 && ((rows == 1 ? reinterpret_cast<uintptr_t>(a.at.data) % 16 == 0 : aligned(a.at)) && ...);
  int64_t across = 1;
  while (across < kThreads && across < cols / (packs ? kPack : 1)) across *= 2;
  const dim3 block(static_cast<unsigned>(across), static_cast<unsigned>(kThreads / across));
  const dim3 grid(static_cast<unsigned>((cols / (packs ? kPack : 1) + across - 1) / across),
                  static_cast<unsigned>(std::min(kMostBlocks, (rows + block.y - 1) / block.y)));
  launch(packs ? map_detail::map_kernel<kPack, F, A...> : map_detail::map_kernel<1, F, A...>, grid, block, 0, at, f, rows, cols,
         a...);
}

}  // namespace vitrine::inline VITRINE_PRECISION
