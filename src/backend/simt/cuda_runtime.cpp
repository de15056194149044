#include <cuda_runtime.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "backend/simt/checker.h"

namespace vitrine::simt {
namespace {

thread_local cudaError_t last_error = cudaSuccess;
thread_local std::string launch_fault;

cudaError_t failed(cudaError_t error) { return last_error = error; }

// Which pieces of memory are the device's, and how much shared memory kernels were allowed.
struct Device {
  std::mutex mutex;
  std::map<const char*, size_t> pieces;
  std::map<const void*, size_t> shared;
};
Device& device() {
  static Device d;
  return d;
}

// Is the piece the device's (`whole`: all of it inside of one allocation)?
bool find(const void* memory, size_t bytes, bool whole) {
  Device& d = device();
  const std::lock_guard lock(d.mutex);
  const char* p = static_cast<const char*>(memory);
  auto piece = d.pieces.upper_bound(p);
  if (piece == d.pieces.begin()) return false;
  --piece;
  const size_t offset = size_t(p - piece->first);
  return offset < std::max<size_t>(piece->second, 1) && (!whole || bytes <= piece->second - offset);
}

bool belongs(const void* memory, size_t bytes, bool to_device) {
  return to_device ? find(memory, bytes, true) : !find(memory, bytes, false);
}

}  // namespace

bool on_device(const void* memory) { return find(memory, 0, false); }

cudaError_t allow_shared(const void* kernel, cudaFuncAttribute, int bytes) {
  if (bytes < 0 || size_t(bytes) > kMostShared) return failed(cudaErrorInvalidValue);
  const std::lock_guard lock(device().mutex);
  device().shared[kernel] = size_t(bytes);
  return cudaSuccess;
}

cudaError_t launch(const Launch& l) {
  const dim3 &g = l.grid, &b = l.block;
  const bool fits = b.x > 0 && b.y > 0 && b.z > 0 && b.x <= kMostThreads && b.y <= kMostThreads && b.z <= 64 &&
                    b.x * b.y * b.z <= kMostThreads && g.x > 0 && g.y > 0 && g.z > 0 && g.x <= 0x7fffffff && g.y <= 65535 &&
                    g.z <= 65535;
  if (!fits) return failed(cudaErrorInvalidConfiguration);
  size_t allowed = kSharedBySelf;
  {
    const std::lock_guard lock(device().mutex);
    if (const auto found = device().shared.find(l.kernel); found != device().shared.end())
      allowed = std::max(allowed, found->second);
  }
  if (l.shared_bytes > allowed) return failed(cudaErrorInvalidValue);
  launch_fault = execute(l);
  return launch_fault.empty() ? cudaSuccess : failed(cudaErrorLaunchFailure);
}

}  // namespace vitrine::simt

using namespace vitrine::simt;

const char* cudaGetErrorName(cudaError_t e) {
  switch (e) {
    case cudaSuccess: return "cudaSuccess";
    case cudaErrorInvalidValue: return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation: return "cudaErrorMemoryAllocation";
    case cudaErrorInvalidConfiguration: return "cudaErrorInvalidConfiguration";
    case cudaErrorInvalidMemcpyDirection: return "cudaErrorInvalidMemcpyDirection";
    case cudaErrorLaunchFailure: return "cudaErrorLaunchFailure";
  }
  return "unknown error";
}
const char* cudaGetErrorString(cudaError_t e) {
  switch (e) {
    case cudaSuccess: return "no error";
    case cudaErrorInvalidValue: return "invalid argument";
    case cudaErrorMemoryAllocation: return "out of memory";
    case cudaErrorInvalidConfiguration: return "invalid configuration argument";
    case cudaErrorInvalidMemcpyDirection: return "invalid copy direction for memcpy";
    case cudaErrorLaunchFailure: return launch_fault.c_str();
  }
  return "unknown error";
}
cudaError_t cudaGetLastError() { return std::exchange(last_error, cudaSuccess); }
cudaError_t cudaPeekAtLastError() { return last_error; }

// cudaMalloc does not clear; all bits set are NaN.
cudaError_t cudaMalloc(void** memory, size_t bytes) {
  constexpr size_t kAlign = 256;
  char* p;
  if constexpr (kChecks)
    p = checker::allocate(bytes);
  else
    p = static_cast<char*>(std::aligned_alloc(kAlign, (bytes + kAlign) / kAlign * kAlign));
  if (!p) return failed(cudaErrorMemoryAllocation);
  std::memset(p, 0xff, bytes);
  const std::lock_guard lock(device().mutex);
  device().pieces[p] = bytes;
  *memory = p;
  return cudaSuccess;
}
cudaError_t cudaFree(void* memory) {
  if (!memory) return cudaSuccess;
  {
    const std::lock_guard lock(device().mutex);
    if (device().pieces.erase(static_cast<char*>(memory)) == 0) return failed(cudaErrorInvalidValue);
  }
  if constexpr (kChecks)
    checker::release(static_cast<char*>(memory));
  else
    std::free(memory);
  return cudaSuccess;
}
cudaError_t cudaMallocHost(void** memory, size_t bytes) {
  *memory = std::malloc(bytes + 1);
  return *memory ? cudaSuccess : failed(cudaErrorMemoryAllocation);
}
cudaError_t cudaFreeHost(void* memory) {
  std::free(memory);
  return cudaSuccess;
}

cudaError_t cudaMemcpy2DAsync(void* to, size_t to_pitch, const void* from, size_t from_pitch, size_t width, size_t height,
                              cudaMemcpyKind kind, cudaStream_t) {
  if (width > to_pitch || width > from_pitch) return failed(cudaErrorInvalidValue);
  const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  for (size_t i = 0; i < (width > 0 ? height : 0); ++i) {
    char* const out = static_cast<char*>(to) + i * to_pitch;
    const char* const in = static_cast<const char*>(from) + i * from_pitch;
    if (!belongs(out, width, to_device) || !belongs(in, width, from_device)) return failed(cudaErrorInvalidValue);
    std::memmove(out, in, width);
    if constexpr (kChecks)
      if (to_device) checker::may_write(out, width);
  }
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  return cudaMemcpy2DAsync(to, bytes, from, bytes, bytes, 1, kind, stream);
}
cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  return cudaMemcpyAsync(to, from, bytes, kind);
}
cudaError_t cudaMemsetAsync(void* memory, int value, size_t bytes, cudaStream_t) {
  if (bytes == 0) return cudaSuccess;
  if (!belongs(memory, bytes, true)) return failed(cudaErrorInvalidValue);
  std::memset(memory, value, bytes);
  if constexpr (kChecks) checker::may_write(memory, bytes);
  return cudaSuccess;
}
cudaError_t cudaMemset(void* memory, int value, size_t bytes) { return cudaMemsetAsync(memory, value, bytes); }

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = nullptr;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t) { return last_error; }
cudaError_t cudaDeviceSynchronize() { return last_error; }
cudaError_t cudaStreamDestroy(cudaStream_t) { return cudaSuccess; }
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = nullptr;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t) { return cudaSuccess; }
cudaError_t cudaEventSynchronize(cudaEvent_t) { return last_error; }
cudaError_t cudaEventDestroy(cudaEvent_t) { return cudaSuccess; }
