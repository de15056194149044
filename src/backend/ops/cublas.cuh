#pragma once
#include <cublas_v2.h>

#include "backend/device_error.h"

namespace vitrine {

inline void check_cublas(cublasStatus_t status, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  if (status != CUBLAS_STATUS_SUCCESS) device_error("cuBLAS", cublasGetStatusName(status), file, line);
}

}  // namespace vitrine
