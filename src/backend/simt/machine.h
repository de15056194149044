#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>

#include "base/device.h"

// What the kernel language (kernel_language.h) and the host's calls (include/cuda_runtime.h) stand on: a machine that executes the launches of
// a program one after the other, on the thread that launches. Of a launch it executes block after block, and the threads of a block as fibers:
// each runs until it has to wait for others. (README.md)

// A three-dimensional size, as CUDA names it.
struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};
struct uint3 {
  unsigned x, y, z;
};

namespace vitrine::simt {

inline constexpr unsigned kWarp = 32, kMostThreads = 1024;  // of a block
inline constexpr size_t kMostShared = 227 << 10,
                        kSharedBySelf = 48 << 10;  // bytes of a block (sm_90); more than the second by opt-in only

struct Site {  // a place in a source file
  const char* file;
  int line;
};

// What kernels see. A launch is executed by one thread of the host, and other launches wait for it.
struct BuiltIn {
  uint3 thread{}, block{};
  dim3 threads, blocks;
  unsigned number = 0;              // of the thread in its block, x fastest
  unsigned char* shared = nullptr;  // dynamic shared memory
};
inline constinit BuiltIn built_in;
inline unsigned lane() { return built_in.number % kWarp; }

// __syncthreads. It is a fault when not every thread of the block comes to the same one.
void barrier(Site site);

enum class WarpCall : uint8_t { kSync, kShuffle, kVote };
struct Payload {
  uint64_t words[2];
};
// A call that all lanes of `mask` make together, except those that have returned. kShuffle: the payload that lane `source` gave; kVote: the
// lanes that gave something else than 0.
Payload warp_call(WarpCall call, unsigned mask, Payload given, unsigned source, Site site);

// One launch, within CUDA's limits. `run` calls the kernel, once for each thread. Returns what went wrong, as a text; empty: nothing.
struct Launch {
  dim3 grid, block;
  size_t shared_bytes;
  void (*run)(const void* call);
  const void *call, *kernel;
};
std::string execute(const Launch& launch);

// For who finds a fault of the running kernel. The launch goes on, until someone abandons it.
void fault(std::string text);
[[noreturn]] void abandon();   // nothing on the stack of the thread that calls is destroyed
std::string running_thread();  // "block (0,0,0), thread (31,0,0)"

// In which order threads, blocks and whoever may go on are taken; no correct kernel computes anything else in another.
void set_order(ThreadOrder order, uint64_t seed);

}  // namespace vitrine::simt
