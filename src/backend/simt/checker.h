#pragma once
#include <cstddef>
#include <cstdint>

// What the checked library (VITRINE_SIMT_CHECK) adds: its kernels are compiled with -fsanitize=thread,alignment,bounds, which puts a call before
// every access to memory, and checker.cpp answers these calls. In the fast library nothing of this exists.
#if defined(VITRINE_SIMT_CHECK)
// No static shared array can be larger than 48 KB, so there is a gap behind each.
#define VITRINE_SIMT_SHARED_ALIGNMENT (1 << 16)
#define VITRINE_SIMT_UNCHECKED __attribute__((noinline, no_sanitize("thread", "alignment")))
#else
#define VITRINE_SIMT_SHARED_ALIGNMENT 16
#define VITRINE_SIMT_UNCHECKED
#endif

namespace vitrine::simt {

#if defined(VITRINE_SIMT_CHECK)
inline constexpr bool kChecks = true;
#else
inline constexpr bool kChecks = false;
#endif

class Fiber;

// Called only where kChecks.
namespace checker {

// Memory of the device, in one region, with a gap behind each piece; a freed piece is not handed out again. Null: no room is left.
char* allocate(size_t bytes);
void release(char* memory);
// By the host, or by what stands for a kernel of a library. False: it reaches beyond what was allocated. Written bytes are initialised.
bool may_read(const void* memory, size_t bytes);
bool may_write(const void* memory, size_t bytes);

// What is executed: a launch, of it a block, of it a thread on a fiber. Accesses are looked at between resume() and pause().
void begin_launch();
void begin_block();
void resume(const Fiber& fiber);
void pause();
unsigned char* shared_memory(size_t bytes);  // dynamic shared memory of the launch

// What orders accesses: all threads of a block came to a barrier; these lanes of a warp came to a __syncwarp.
void barrier_passed();
void warp_synchronised(unsigned warp, unsigned lanes);

void atomic_access(const void* at, size_t bytes, const void* place);

}  // namespace checker

// Place: where the kernel calls the atomic.
inline void check_atomic([[maybe_unused]] const void* at, [[maybe_unused]] size_t bytes, [[maybe_unused]] const void* place) {
  if constexpr (kChecks) checker::atomic_access(at, bytes, place);
}

}  // namespace vitrine::simt
