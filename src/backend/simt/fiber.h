#pragma once
#include <cstddef>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace vitrine::simt {

// A place where execution stands still: the stack with everything that has to come back. Registers are saved as a call does it.
struct Context {
#if defined(__x86_64__)
  void* top = nullptr;
#else
  ucontext_t registers{};
#endif
};

// A stack of its own, with a page below it that must not be touched, on which `main` will be entered. `main` never returns.
class Fiber {
 public:
  explicit Fiber(int number);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  void start(void (*main)());  // whatever it was doing is forgotten
  const char* low() const { return low_; }
  const char* high() const { return high_; }

  Context context;

 private:
  void forget();
  char *memory_, *low_, *high_;
};

// Goes on at `to`, and returns when someone switches back to `from`. `fiber` is whose context `to` is; null: the thread's own.
void switch_context(Context& from, Context& to, const Fiber* fiber);
void begin_fiber();  // the first thing that `main` calls

}  // namespace vitrine::simt
