#pragma once
#include "tensor/tensor.h"

namespace vitrine::inline VITRINE_PRECISION {

// One block of memory, handed out front to back. The same planning code runs twice: unbound it counts, bound it gives addresses.
class Arena {
 public:
  Tensor take(int64_t rows, int64_t cols) {
    Real* data = base_ ? base_ + used_ : nullptr;
    used_ += (rows * cols + kAlign - 1) / kAlign * kAlign;
    if (used_ > peak_) peak_ = used_;
    return {data, rows, cols, cols};
  }
  int64_t mark() const { return used_; }
  void rewind(int64_t mark) { used_ = mark; }  // what was taken after `mark` may be handed out again
  int64_t peak() const { return peak_; }       // numbers, not bytes
  void bind(Real* base) { base_ = base, used_ = 0; }

 private:
  static constexpr int64_t kAlign = 16;  // numbers: every tensor starts on a cache line
  Real* base_ = nullptr;
  int64_t used_ = 0, peak_ = 0;
};

}  // namespace vitrine::inline VITRINE_PRECISION
