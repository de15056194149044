#pragma once
#include <cstdint>

// tensor/, backend/, layers/, model/ and parts of train/ are compiled twice, once for each precision, each time inside an inline
// namespace of its own. Code that is built once must not see them; it talks to the abstract Engine (train/engine.h) instead.
#if !defined(VITRINE_REAL) || !defined(VITRINE_PRECISION)
#error "compiled once for each precision: needs VITRINE_REAL (float | double) and VITRINE_PRECISION (f32 | f64)"
#endif

namespace vitrine::inline VITRINE_PRECISION {

using Real = VITRINE_REAL;

// A matrix or its transpose, as an argument of matmul.
template <class View>
struct Operand {
  View view;
  bool transposed = false;
  Operand(View v, bool t = false) : view(v), transposed(t) {}
};

// A view of rows × cols numbers, row after row, `stride` apart. Cheap to copy; owns nothing. No other rank is needed.
// Only backend/ dereferences `data`: it may be an address on a device. What is constexpr here and elsewhere may be called in kernels.
struct Tensor {
  Real* data = nullptr;
  int64_t rows = 0, cols = 0, stride = 0;

  constexpr Tensor top(int64_t n) const { return {data, n, cols, stride}; }  // the first n rows
  constexpr Tensor slice(int64_t first, int64_t n) const {
    return {data + first * stride, n, cols, stride};
  }                                                                                                     // n rows from `first`
  constexpr Tensor columns(int64_t first, int64_t n) const { return {data + first, rows, n, stride}; }  // n columns from `first`
  constexpr Real* row(int64_t i) const { return data + i * stride; }
  constexpr int64_t size() const { return rows * cols; }
  constexpr bool empty() const { return data == nullptr; }
  Operand<Tensor> T() const { return {*this, true}; }
};

}  // namespace vitrine::inline VITRINE_PRECISION
