#include "backend/simt/fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#include <pthread.h>
#include <sanitizer/asan_interface.h>
#endif

namespace vitrine::simt {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr size_t kStack = 512 << 10;
#else
constexpr size_t kStack = 64 << 10;
#endif

}  // namespace

// Stacks that all begin at the same place of a page would fight for the same lines of the caches, so each begins somewhere else.
Fiber::Fiber(int number) {
  const size_t page = size_t(sysconf(_SC_PAGESIZE));
  void* memory = mmap(nullptr, page + kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  mprotect(memory, page, PROT_NONE);
  memory_ = static_cast<char*>(memory);
  low_ = memory_ + page;
  high_ = low_ + kStack - size_t(number % 16) * 832;
}

// Functions that never returned have left marks on the stack that only address sanitizer reads.
void Fiber::forget() {
#if defined(__SANITIZE_ADDRESS__)
  ASAN_UNPOISON_MEMORY_REGION(low_, high_ - low_);
#endif
}

Fiber::~Fiber() { munmap(memory_, size_t(low_ - memory_) + kStack); }

#if defined(__x86_64__)

// System V ABI: a callee keeps rbx, rbp and r12 to r15; everything else is the caller's to save. (MXCSR and the x87 control word, too, are
// the callee's, but kernels do not change them.)
extern "C" void vitrine_simt_switch(void** from, void* to);
asm(R"(
  .text
  .globl vitrine_simt_switch
  .hidden vitrine_simt_switch
  .type vitrine_simt_switch, @function
vitrine_simt_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
  .size vitrine_simt_switch, .-vitrine_simt_switch
)");

void Fiber::start(void (*main)()) {
  forget();
  void** top = reinterpret_cast<void**>(reinterpret_cast<uintptr_t>(high_) & ~uintptr_t{15});
  *--top = nullptr;                        // where `main` would return to: there a function expects rsp ≡ 8 (mod 16)
  *--top = reinterpret_cast<void*>(main);  // where the switch returns to
  for (int i = 0; i < 6; ++i) *--top = nullptr;
  context.top = top;
}

namespace {
void exchange(Context& from, Context& to) { vitrine_simt_switch(&from.top, to.top); }
}  // namespace

#else

void Fiber::start(void (*main)()) {
  forget();
  getcontext(&context.registers);
  context.registers.uc_stack = {low_, 0, size_t(high_ - low_)};
  context.registers.uc_link = nullptr;
  makecontext(&context.registers, main, 0);
}

namespace {
void exchange(Context& from, Context& to) { swapcontext(&from.registers, &to.registers); }
}  // namespace

#endif

#if defined(__SANITIZE_ADDRESS__)

// Address sanitizer wants to know which stack comes next.
void switch_context(Context& from, Context& to, const Fiber* fiber) {
  void *own = nullptr, *fake = nullptr;
  size_t own_size = 0;
  if (!fiber) {
    pthread_attr_t attributes;
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstack(&attributes, &own, &own_size);
    pthread_attr_destroy(&attributes);
  }
  __sanitizer_start_switch_fiber(&fake, fiber ? fiber->low() : own, fiber ? size_t(fiber->high() - fiber->low()) : own_size);
  exchange(from, to);
  __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
}
void begin_fiber() { __sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr); }

#else

void switch_context(Context& from, Context& to, const Fiber*) { exchange(from, to); }
void begin_fiber() {}

#endif

}  // namespace vitrine::simt
