// expect: segmentation fault
#include "lab.h"
static double deep(double x) { volatile double a[1000] = {x}; return deep(a[0] + 1) + a[0]; }
void softmax_forward(Tensor P, Tensor) { P.data[0] = deep(0); }
void softmax_backward(Tensor dS, Tensor dP, Tensor P) {
  for (int64_t i = 0; i < P.rows; ++i) {
    double inner = 0;
    for (int64_t j = 0; j < P.cols; ++j) inner += P.row(i)[j] * dP.row(i)[j];
    for (int64_t j = 0; j < P.cols; ++j) dS.row(i)[j] = P.row(i)[j] * (dP.row(i)[j] - inner);
  }
}
