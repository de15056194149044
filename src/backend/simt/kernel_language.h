#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "backend/simt/checker.h"
#include "backend/simt/machine.h"

// What CUDA adds to C++, as far as our kernels use it, for a compiler of the host. Semantics: CUDA C++ Programming Guide 13.0, ch. 10.

#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline
#define __launch_bounds__(...)
// Blocks follow each other, so a block's shared variables can be static. The checker wants them far apart: no array may reach the next.
#define __shared__ static __attribute__((aligned(VITRINE_SIMT_SHARED_ALIGNMENT)))

// --- vectors: aligned as on the device, where a misaligned access is a fault
struct alignas(8) float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(16) double2 {
  double x, y;
};
struct alignas(8) int2 {
  int x, y;
};
struct alignas(16) int4 {
  int x, y, z, w;
};
struct alignas(8) uint2 {
  unsigned x, y;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
constexpr float2 make_float2(float x, float y) { return {x, y}; }
constexpr float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
constexpr double2 make_double2(double x, double y) { return {x, y}; }
constexpr int2 make_int2(int x, int y) { return {x, y}; }
constexpr int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
constexpr uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
constexpr uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

// --- where a thread is
inline const uint3& threadIdx = vitrine::simt::built_in.thread;
inline const uint3& blockIdx = vitrine::simt::built_in.block;
inline const dim3& blockDim = vitrine::simt::built_in.threads;
inline const dim3& gridDim = vitrine::simt::built_in.blocks;
inline constexpr int warpSize = vitrine::simt::kWarp;

// --- what threads do together
#define VITRINE_SIMT_SITE vitrine::simt::Site site = {__builtin_FILE(), __builtin_LINE()}
inline void __syncthreads(VITRINE_SIMT_SITE) { vitrine::simt::barrier(site); }
inline void __syncwarp(unsigned mask = ~0u, VITRINE_SIMT_SITE) {
  vitrine::simt::warp_call(vitrine::simt::WarpCall::kSync, mask, {}, 0, site);
}

namespace vitrine::simt {
template <class T>
T shuffle(unsigned mask, T value, unsigned source, Site site) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(Payload));
  Payload payload{};
  std::memcpy(&payload, &value, sizeof value);
  payload = warp_call(WarpCall::kShuffle, mask, payload, source, site);
  std::memcpy(&value, &payload, sizeof value);
  return value;
}
}  // namespace vitrine::simt

// A warp is cut into segments of `width` lanes. Who asks for a lane outside of its segment gets its own value; __shfl_sync counts round.
template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = warpSize, VITRINE_SIMT_SITE) {
  const unsigned segment = unsigned(width) - 1;
  return vitrine::simt::shuffle(mask, value, (vitrine::simt::lane() & ~segment) | (unsigned(source) & segment), site);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = warpSize, VITRINE_SIMT_SITE) {
  const unsigned segment = unsigned(width) - 1, lane = vitrine::simt::lane(), other = lane ^ unsigned(bits);
  return vitrine::simt::shuffle(mask, value, (other | segment) <= (lane | segment) ? other : lane, site);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned by, int width = warpSize, VITRINE_SIMT_SITE) {
  const unsigned segment = unsigned(width) - 1, lane = vitrine::simt::lane(), other = lane + by;
  return vitrine::simt::shuffle(mask, value, other <= (lane | segment) ? other : lane, site);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned by, int width = warpSize, VITRINE_SIMT_SITE) {
  const unsigned segment = unsigned(width) - 1, lane = vitrine::simt::lane();
  return vitrine::simt::shuffle(mask, value, (lane & segment) >= by ? lane - by : lane, site);
}
inline unsigned __ballot_sync(unsigned mask, int predicate, VITRINE_SIMT_SITE) {
  return unsigned(vitrine::simt::warp_call(vitrine::simt::WarpCall::kVote, mask, {{predicate != 0}}, 0, site).words[0]);
}
inline int __any_sync(unsigned mask, int predicate, VITRINE_SIMT_SITE) { return __ballot_sync(mask, predicate, site) != 0; }
inline int __all_sync(unsigned mask, int predicate, VITRINE_SIMT_SITE) { return __ballot_sync(mask, !predicate, site) == 0; }

// --- atomics: of integers only, since a sum of floats depends on who comes first
namespace vitrine::simt {
// Not inlined where it is checked, so that it returns to the place that is reported.
template <class T, class F>
VITRINE_SIMT_UNCHECKED T atomic(T* at, F f) {
  static_assert(std::is_integral_v<T> && sizeof(T) >= 4,
                "atomics of integers only: the order of additions of floats is nobody's");
  check_atomic(at, sizeof(T), __builtin_return_address(0));
  const T old = *at;
  *at = f(old);
  return old;
}
}  // namespace vitrine::simt
template <class T>
T atomicAdd(T* at, std::type_identity_t<T> value) {
  return vitrine::simt::atomic(at, [=](T old) { return T(old + value); });
}
template <class T>
T atomicMax(T* at, std::type_identity_t<T> value) {
  return vitrine::simt::atomic(at, [=](T old) { return std::max(old, value); });
}
template <class T>
T atomicMin(T* at, std::type_identity_t<T> value) {
  return vitrine::simt::atomic(at, [=](T old) { return std::min(old, value); });
}
template <class T>
T atomicExch(T* at, std::type_identity_t<T> value) {
  return vitrine::simt::atomic(at, [=](T) { return value; });
}
template <class T>
T atomicCAS(T* at, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
  return vitrine::simt::atomic(at, [=](T old) { return old == expected ? value : old; });
}

// --- mathematics that <cmath> lacks
inline float rsqrtf(float x) { return 1 / std::sqrt(x); }
inline double rsqrt(double x) { return 1 / std::sqrt(x); }
inline float __expf(float x) { return std::exp(x); }
inline float __logf(float x) { return std::log(x); }
inline int __popc(unsigned x) { return std::popcount(x); }
inline int __ffs(int x) { return std::countr_zero(unsigned(x)) % 32 + (x != 0); }
inline int __clz(int x) { return std::countl_zero(unsigned(x)); }
inline unsigned __umulhi(unsigned a, unsigned b) { return unsigned(uint64_t{a} * b >> 32); }
template <class T>
T __ldg(const T* at) {
  return *at;
}
