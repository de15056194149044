#include <algorithm>

#include "backend/cpu_backend.h"

#ifdef VITRINE_HAS_ONEDNN
#include <dnnl.h>
#include <omp.h>
#endif

// Which code makes a product is decided by its shape and by how Vitrine was built, never by a measurement at run time: that would
// change bits. GFLOP/s on one core of an AMD EPYC (Zen 3, AVX2; its peak is about 105), Eigen 3.4, oneDNN 2.6, PackedProduct:
//
//   product             op      M × N × K         Eigen  oneDNN  Packed
//   x Wᵀ    (nano up)   A Bᵀ    1024  256   64       63      93      90
//   x Wᵀ    (char up)   A Bᵀ     768  512  128       65      95      93
//   x Wᵀ    (small up)  A Bᵀ    1024 2048  512       62      91      87
//   dy W    (char up)   A B      768  128  512       63      91      95
//   dyᵀ x   (nano up)   Aᵀ B     256   64 1024       58      93      80
//   dyᵀ x   (char up)   Aᵀ B     512  128  768       59      67      86
//   dyᵀ x   (mini down) Aᵀ B     256 1024 1024       60      38      77
//   head    (tiny)      A Bᵀ     154 8000  128       57      84      75
//   Q Kᵀ                A Bᵀ      10   10   32       10      10       9
//   Q Kᵀ                A Bᵀ      32   32   16       32      39      51
//   P V                 A B       32   16   32       35      44      62
//   Pᵀ dO               Aᵀ B      64   32   64       46      85      74
//
// So a native build needs no library. oneDNN is linked to builds for any processor (VITRINE_NATIVE off), because it chooses its
// vectors when it runs and ours are then the narrowest; it takes the products that are worth its call. It allocates in each.

namespace vitrine::inline VITRINE_PRECISION {
namespace {

#ifdef VITRINE_HAS_ONEDNN
constexpr int64_t kWorthOneDnn = 32 * 32 * 16;

void onednn_product(Tensor c, Operand<Tensor> a, Operand<Tensor> b, float scale, bool add) {
  static thread_local const bool once = (omp_set_num_threads(1), true);  // a lane is one thread
  (void)once;
  const int64_t K = a.transposed ? a.view.rows : a.view.cols;
  dnnl_sgemm(a.transposed ? 'T' : 'N', b.transposed ? 'T' : 'N', c.rows, c.cols, K, scale,
             reinterpret_cast<const float*>(a.view.data), a.view.stride, reinterpret_cast<const float*>(b.view.data),
             b.view.stride, add ? 1.f : 0.f, reinterpret_cast<float*>(c.data), c.stride);
}
#endif

}  // namespace

void CpuBackend::product(Tensor c, Operand<Tensor> a, Operand<Tensor> b, Real scale, Write write, const Real* bias) {
#ifdef VITRINE_HAS_ONEDNN
  if constexpr (sizeof(Real) == sizeof(float)) {
    if (c.size() * (a.transposed ? a.view.rows : a.view.cols) >= kWorthOneDnn) {
      if (bias)  // sgemm has no bias: it is what C holds before
        for (int64_t i = 0; i < c.rows; ++i) std::copy_n(bias, c.cols, c.row(i));
      return onednn_product(c, a, b, static_cast<float>(scale), bias || write == Write::kAdd);
    }
  }
#endif
  product_(c, a, b, scale, write == Write::kAdd, bias);
}

// C = scale · op(A) op(B)   or   C += …
void CpuBackend::matmul(Tensor c, Operand<Tensor> a, Operand<Tensor> b, Real scale, Write write) {
  product(c, a, b, scale, write, nullptr);
}

void CpuBackend::matmul(Tiles c, Operand<Tiles> a, Operand<Tiles> b, Real scale, Write write) {
  each_tile(c, [&](int64_t i, int64_t h) {
    matmul(c(i, h), {a.view(i, h), a.transposed}, {b.view(i, h), b.transposed}, scale, write);
  });
}

}  // namespace vitrine::inline VITRINE_PRECISION
