#include <cublas_v2.h>

#include <cstdio>
#include <vector>

#include "backend/simt/checker.h"

namespace {

using namespace vitrine::simt;

// A matrix of `columns` columns that are `ld` apart: is all of it the device's?
template <class T>
bool on_device(const T* a, int rows, int columns, int ld, bool write) {
  for (int j = 0; j < columns && rows > 0; ++j) {
    const T* const column = a + size_t(j) * size_t(ld);
    if constexpr (kChecks) {
      if (write ? !checker::may_write(column, size_t(rows) * sizeof(T)) : !checker::may_read(column, size_t(rows) * sizeof(T)))
        return false;
    } else if (!vitrine::simt::on_device(column)) {
      return false;
    }
  }
  return true;
}

// One column of C at a time, as the sum of columns of A, or by dot products with them.
template <class T>
void product(bool a_turned, bool b_turned, int m, int n, int k, T alpha, const T* a, int lda, const T* b, int ldb, T beta, T* c,
             int ldc) {
  std::vector<T> column(size_t(k), T{});
  for (int j = 0; j < n; ++j) {
    T* const cj = c + size_t(j) * size_t(ldc);
    for (int p = 0; p < k; ++p)
      column[size_t(p)] = b_turned ? b[size_t(p) * size_t(ldb) + size_t(j)] : b[size_t(j) * size_t(ldb) + size_t(p)];
    for (int i = 0; i < m; ++i) cj[i] = beta == 0 ? 0 : beta * cj[i];
    if (a_turned) {
      for (int i = 0; i < m; ++i) {
        const T* const ai = a + size_t(i) * size_t(lda);
        T sum = 0;
#pragma omp simd reduction(+ : sum)
        for (int p = 0; p < k; ++p) sum += ai[p] * column[size_t(p)];
        cj[i] += alpha * sum;
      }
    } else {
      for (int p = 0; p < k; ++p) {
        const T* const ap = a + size_t(p) * size_t(lda);
        const T factor = alpha * column[size_t(p)];
#pragma omp simd
        for (int i = 0; i < m; ++i) cj[i] += ap[i] * factor;
      }
    }
  }
}

template <class T>
cublasStatus_t products(cublasOperation_t a_as, cublasOperation_t b_as, int m, int n, int k, const T* alpha, const T* a, int lda,
                        long long a_step, const T* b, int ldb, long long b_step, const T* beta, T* c, int ldc, long long c_step,
                        int count) {
  const bool a_turned = a_as == CUBLAS_OP_T, b_turned = b_as == CUBLAS_OP_T;
  const int a_rows = a_turned ? k : m, a_columns = a_turned ? m : k, b_rows = b_turned ? n : k, b_columns = b_turned ? k : n;
  if (m < 0 || n < 0 || k < 0 || count < 0 || lda < std::max(1, a_rows) || ldb < std::max(1, b_rows) || ldc < std::max(1, m))
    return CUBLAS_STATUS_INVALID_VALUE;
  for (int i = 0; i < count; ++i) {
    const T *ai = a + i * a_step, *bi = b + i * b_step;
    T* const ci = c + i * c_step;
    if (!on_device(ai, a_rows, a_columns, lda, false) || !on_device(bi, b_rows, b_columns, ldb, false) ||
        !on_device(ci, m, n, ldc, true))
      return CUBLAS_STATUS_EXECUTION_FAILED;
    product(a_turned, b_turned, m, n, k, *alpha, ai, lda, bi, ldb, *beta, ci, ldc);
  }
  return CUBLAS_STATUS_SUCCESS;
}

}  // namespace

const char* cublasGetStatusName(cublasStatus_t status) {
  return status == CUBLAS_STATUS_SUCCESS         ? "CUBLAS_STATUS_SUCCESS"
         : status == CUBLAS_STATUS_INVALID_VALUE ? "CUBLAS_STATUS_INVALID_VALUE"
                                                 : "CUBLAS_STATUS_EXECUTION_FAILED";
}
cublasStatus_t cublasCreate(cublasHandle_t* handle) {
  *handle = nullptr;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasDestroy(cublasHandle_t) { return CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasSetStream(cublasHandle_t, cudaStream_t) { return CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasSetMathMode(cublasHandle_t, cublasMath_t) { return CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasSetWorkspace(cublasHandle_t, void*, size_t) { return CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasSgemmStridedBatched(cublasHandle_t, cublasOperation_t a_as, cublasOperation_t b_as, int m, int n, int k,
                                         const float* alpha, const float* a, int lda, long long a_step, const float* b, int ldb,
                                         long long b_step, const float* beta, float* c, int ldc, long long c_step, int count) {
  return products(a_as, b_as, m, n, k, alpha, a, lda, a_step, b, ldb, b_step, beta, c, ldc, c_step, count);
}
cublasStatus_t cublasDgemmStridedBatched(cublasHandle_t, cublasOperation_t a_as, cublasOperation_t b_as, int m, int n, int k,
                                         const double* alpha, const double* a, int lda, long long a_step, const double* b,
                                         int ldb, long long b_step, const double* beta, double* c, int ldc, long long c_step,
                                         int count) {
  return products(a_as, b_as, m, n, k, alpha, a, lda, a_step, b, ldb, b_step, beta, c, ldc, c_step, count);
}
