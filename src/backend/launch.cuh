#pragma once
#include <cuda_runtime.h>

#include <type_traits>

#include "backend/device_error.h"

// How every kernel is launched, in both builds: by nvcc for a GPU, and by the compiler of the host for simt/.

// Before a loop: one copy of its body, which needs the fewest registers.
#if defined(__CUDACC__)
#define VITRINE_ROLLED _Pragma("unroll 1")
#else
#define VITRINE_ROLLED
#endif

namespace vitrine {

// check_cuda(cudaMalloc(…)): throws Error{kDevice} that says where, which error, and CUDA's words for it.
inline void check_cuda(cudaError_t status, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  if (status == cudaSuccess) [[likely]]
    return;
  (void)cudaGetLastError();  // or the next launch would tell it once more
  device_error(cudaGetErrorName(status), cudaGetErrorString(status), file, line);
}

// A stream, and the line that launches.
struct LaunchStream {
  cudaStream_t stream;
  const char* file;
  int line;
  LaunchStream(cudaStream_t s, const char* f = __builtin_FILE(), int l = __builtin_LINE()) : stream(s), file(f), line(l) {}
};

// launch(kernel, grid, threads, bytes of dynamic shared memory, stream, arguments …). A grid with a 0 in it launches nothing.
template <class... P>
void launch(void (*kernel)(P...), dim3 grid, dim3 block, size_t shared_bytes, LaunchStream at,
            std::type_identity_t<P>... arguments) {
  static_assert((std::is_trivially_copyable_v<P> && ...), "arguments of kernels are copied byte by byte");
  constexpr size_t kWithoutAsking = 48 << 10;
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
  if (shared_bytes > kWithoutAsking)
    check_cuda(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, int(shared_bytes)), at.file, at.line);
#if defined(__CUDACC__)
  kernel<<<grid, block, shared_bytes, at.stream>>>(arguments...);
#else
  const auto call = [&]() VITRINE_SIMT_UNCHECKED { kernel(arguments...); };
  const auto run = [](const void* c) VITRINE_SIMT_UNCHECKED { (*static_cast<decltype(call)*>(c))(); };
  simt::launch({grid, block, shared_bytes, run, &call, reinterpret_cast<const void*>(kernel)});
#endif
  check_cuda(cudaGetLastError(), at.file, at.line);
}

// Dynamic shared memory of the block: one name and one type for the whole program.
template <class T>
__device__ T* dynamic_smem() {
#if defined(__CUDACC__)
  extern __shared__ __align__(16) unsigned char bytes[];
  return reinterpret_cast<T*>(bytes);
#else
  return reinterpret_cast<T*>(simt::built_in.shared);
#endif
}

}  // namespace vitrine
