#define EIGEN_STACK_ALLOCATION_LIMIT 0  // packing buffers of any size on the stack: no heap in a training step
#include <Eigen/Core>

#include "backend/cpu_backend.h"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

using Matrix = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using View = Eigen::Map<Matrix, 0, Eigen::OuterStride<>>;

View view(Tensor t) { return {t.data, t.rows, t.cols, Eigen::OuterStride<>(t.stride)}; }

template <class A, class B>
void product(View c, const A& a, const B& b, Real scale) {
  c.noalias() += scale * (a * b);
}

}  // namespace

// C = scale · op(A) op(B)   or   C += …
void CpuBackend::matmul(Tensor c, Operand<Tensor> a, Operand<Tensor> b, Real scale, Write write) {
  const View A = view(a.view), B = view(b.view);
  View C = view(c);
  if (write == Write::kSet) C.setZero();
  if (!a.transposed && !b.transposed) product(C, A, B, scale);
  if (!a.transposed && b.transposed) product(C, A, B.transpose(), scale);
  if (a.transposed && !b.transposed) product(C, A.transpose(), B, scale);
  if (a.transposed && b.transposed) product(C, A.transpose(), B.transpose(), scale);
}

void CpuBackend::matmul(Tiles c, Operand<Tiles> a, Operand<Tiles> b, Real scale, Write write) {
  each_tile(c, [&](int64_t i, int64_t h) {
    matmul(c(i, h), {a.view(i, h), a.transposed}, {b.view(i, h), b.transposed}, scale, write);
  });
}

}  // namespace vitrine::inline VITRINE_PRECISION
