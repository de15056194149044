#pragma once
#include <cstdint>

namespace vitrine::labs {

// A matrix in double, row after row, `stride` apart: Tensor (tensor/tensor.h) for code that is built once.
struct View {
  double* data;
  int64_t rows, cols, stride;
};

// A function of a lab whose arguments come as two lists, matrices and numbers, each in the order of the function's own.
using Call = void (*)(const View* views, const double* numbers);

}  // namespace vitrine::labs
