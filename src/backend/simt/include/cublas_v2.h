#pragma once
#include <cuda_runtime.h>

// The products of cuBLAS that we use, by plain loops: column-major, C [m,n] = α op(A) op(B) + β C, where β = 0 does not read C.

enum cublasStatus_t { CUBLAS_STATUS_SUCCESS = 0, CUBLAS_STATUS_INVALID_VALUE = 7, CUBLAS_STATUS_EXECUTION_FAILED = 13 };
enum cublasOperation_t { CUBLAS_OP_N = 0, CUBLAS_OP_T = 1 };
enum cublasMath_t { CUBLAS_DEFAULT_MATH = 0, CUBLAS_TF32_TENSOR_OP_MATH = 3 };
using cublasHandle_t = struct SimtBlas*;

const char* cublasGetStatusName(cublasStatus_t);
[[nodiscard]] cublasStatus_t cublasCreate(cublasHandle_t*);
cublasStatus_t cublasDestroy(cublasHandle_t);
[[nodiscard]] cublasStatus_t cublasSetStream(cublasHandle_t, cudaStream_t);
[[nodiscard]] cublasStatus_t cublasSetMathMode(cublasHandle_t, cublasMath_t);
[[nodiscard]] cublasStatus_t cublasSetWorkspace(cublasHandle_t, void* memory, size_t bytes);

[[nodiscard]] cublasStatus_t cublasSgemmStridedBatched(cublasHandle_t, cublasOperation_t a_as, cublasOperation_t b_as, int m,
                                                       int n, int k, const float* alpha, const float* a, int lda,
                                                       long long a_step, const float* b, int ldb, long long b_step,
                                                       const float* beta, float* c, int ldc, long long c_step, int count);
[[nodiscard]] cublasStatus_t cublasDgemmStridedBatched(cublasHandle_t, cublasOperation_t a_as, cublasOperation_t b_as, int m,
                                                       int n, int k, const double* alpha, const double* a, int lda,
                                                       long long a_step, const double* b, int ldb, long long b_step,
                                                       const double* beta, double* c, int ldc, long long c_step, int count);
[[nodiscard]] inline cublasStatus_t cublasSgemm(cublasHandle_t h, cublasOperation_t a_as, cublasOperation_t b_as, int m, int n,
                                                int k, const float* alpha, const float* a, int lda, const float* b, int ldb,
                                                const float* beta, float* c, int ldc) {
  return cublasSgemmStridedBatched(h, a_as, b_as, m, n, k, alpha, a, lda, 0, b, ldb, 0, beta, c, ldc, 0, 1);
}
[[nodiscard]] inline cublasStatus_t cublasDgemm(cublasHandle_t h, cublasOperation_t a_as, cublasOperation_t b_as, int m, int n,
                                                int k, const double* alpha, const double* a, int lda, const double* b, int ldb,
                                                const double* beta, double* c, int ldc) {
  return cublasDgemmStridedBatched(h, a_as, b_as, m, n, k, alpha, a, lda, 0, b, ldb, 0, beta, c, ldc, 0, 1);
}
