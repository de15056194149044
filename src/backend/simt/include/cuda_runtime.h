#pragma once
#include <cstddef>

#include "backend/simt/kernel_language.h"

// The host's side of CUDA, as far as we use it (CUDA Runtime API 13.0). Everything happens at once and in order, whatever the stream.
// What may fail may not be ignored: [[nodiscard]], except where memory and handles are given back.

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInvalidConfiguration = 9,
  cudaErrorInvalidMemcpyDirection = 21,
  cudaErrorLaunchFailure = 719
};
enum cudaMemcpyKind { cudaMemcpyHostToHost, cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice };
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
inline constexpr unsigned cudaStreamNonBlocking = 1, cudaEventDisableTiming = 2;
using cudaStream_t = struct SimtStream*;
using cudaEvent_t = struct SimtEvent*;

const char* cudaGetErrorName(cudaError_t);
const char* cudaGetErrorString(cudaError_t);  // of a launch: what the machine or the checker found
cudaError_t cudaGetLastError();
cudaError_t cudaPeekAtLastError();

[[nodiscard]] cudaError_t cudaMalloc(void** memory, size_t bytes);
[[nodiscard]] cudaError_t cudaMallocHost(void** memory, size_t bytes);
cudaError_t cudaFree(void* memory);
cudaError_t cudaFreeHost(void* memory);
template <class T>
[[nodiscard]] cudaError_t cudaMalloc(T** memory, size_t bytes) {
  return cudaMalloc(reinterpret_cast<void**>(memory), bytes);
}
template <class T>  // the host can always read what is the device's
[[nodiscard]] cudaError_t cudaMallocManaged(T** memory, size_t bytes) {
  return cudaMalloc(reinterpret_cast<void**>(memory), bytes);
}
template <class T>
[[nodiscard]] cudaError_t cudaMallocHost(T** memory, size_t bytes) {
  return cudaMallocHost(reinterpret_cast<void**>(memory), bytes);
}

[[nodiscard]] cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind);
[[nodiscard]] cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind, cudaStream_t = nullptr);
[[nodiscard]] cudaError_t cudaMemcpy2DAsync(void* to, size_t to_pitch, const void* from, size_t from_pitch, size_t width,
                                            size_t height, cudaMemcpyKind, cudaStream_t = nullptr);
[[nodiscard]] cudaError_t cudaMemset(void* memory, int value, size_t bytes);
[[nodiscard]] cudaError_t cudaMemsetAsync(void* memory, int value, size_t bytes, cudaStream_t = nullptr);

[[nodiscard]] cudaError_t cudaStreamCreateWithFlags(cudaStream_t*, unsigned flags);
[[nodiscard]] cudaError_t cudaStreamSynchronize(cudaStream_t);
[[nodiscard]] cudaError_t cudaDeviceSynchronize();
cudaError_t cudaStreamDestroy(cudaStream_t);
[[nodiscard]] cudaError_t cudaEventCreateWithFlags(cudaEvent_t*, unsigned flags);
[[nodiscard]] cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t = nullptr);
[[nodiscard]] cudaError_t cudaEventSynchronize(cudaEvent_t);
cudaError_t cudaEventDestroy(cudaEvent_t);

namespace vitrine::simt {
[[nodiscard]] cudaError_t allow_shared(const void* kernel, cudaFuncAttribute what, int bytes);
cudaError_t launch(const Launch& launch);  // what goes wrong is the last error
bool on_device(const void* memory);
}  // namespace vitrine::simt
template <class Kernel>
[[nodiscard]] cudaError_t cudaFuncSetAttribute(Kernel* kernel, cudaFuncAttribute what, int value) {
  return vitrine::simt::allow_shared(reinterpret_cast<const void*>(kernel), what, value);
}
