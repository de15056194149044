#include "backend/cuda_backend.h"
#include "backend/ops/column_sum.cuh"
#include "backend/ops/map.cuh"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

struct BiasOf {
  __device__ void operator()(Real& y, Real b) const { y = b; }
};

struct RowOf {
  Tensor dy;
  __device__ void operator()(Real (&sum)[1], int64_t i, int64_t j) const { sum[0] += dy.row(i)[j]; }
};

}  // namespace

// y = b in every row, then y += x Wᵀ: cuBLAS reads what it adds to, and no kernel reads y again
void CudaBackend::linear(Tensor y, Tensor x, Tensor W, Tensor b) {
  if (!b.empty()) map(stream_, y.rows, y.cols, BiasOf{}, Out{y}, In{{b.data, y.rows, y.cols, 0}});
  product(y, x, W.T(), 1, b.empty() ? 0 : 1);
}

// db += Σ_rows dy
void CudaBackend::bias_backward(Tensor db, Tensor dy) {
  const RowChunks chunks(dy.rows, dy.cols);
  add_column_sums<1>(stream_, {{db.data}}, RowOf{dy}, dy.rows, dy.cols, chunks, scratch(chunks.numbers(dy.cols, 1)));
}

}  // namespace vitrine::inline VITRINE_PRECISION
