#pragma once
#include <vector>

#include "tensor/tensor.h"

namespace vitrine::inline VITRINE_PRECISION {

// C = scale · A B (+ bias [1,N] in every row)   or   C += scale · A B, for A [M,K], B [K,N] or their transposes, on one thread and without a library.
//
// Parts of A and B are copied ("packed") so that the innermost loop reads both from one end to the other; that loop keeps a block of C,
// kRows × kColumns, in registers while it runs over k. The scheme is that of Goto and van de Geijn (2008), doi 10.1145/1356052.1356053.
class PackedProduct {
 public:
  PackedProduct() : a_(kBlockRows * kBlockDepth + kLine), b_(kBlockDepth * kBlockColumns + kLine) {}
  void operator()(Tensor c, Operand<Tensor> a, Operand<Tensor> b, Real scale, bool add, const Real* bias = nullptr);

#if defined(__AVX512F__)
  static constexpr int64_t kVector = 64 / sizeof(Real), kRows = 12;
#elif defined(__AVX__)
  static constexpr int64_t kVector = 32 / sizeof(Real), kRows = 6;
#else
  static constexpr int64_t kVector = 16 / sizeof(Real), kRows = 6;
#endif
  static constexpr int64_t kColumns = 2 * kVector;

 private:
  static constexpr int64_t kBlockRows = 16 * kRows, kBlockDepth = 256, kBlockColumns = 16 * kColumns, kLine = 64;
  std::vector<Real> a_, b_;
};

}  // namespace vitrine::inline VITRINE_PRECISION
