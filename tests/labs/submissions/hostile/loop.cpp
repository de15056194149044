// expect: did not come back within 5 s, as a loop that does not end
#include "lab.h"
void softmax_forward(Tensor P, Tensor) {
  volatile int on = 1;
  while (on) P.data[0] = 1;
}
void softmax_backward(Tensor dS, Tensor dP, Tensor P) {
  for (int64_t i = 0; i < P.rows; ++i) {
    double inner = 0;
    for (int64_t j = 0; j < P.cols; ++j) inner += P.row(i)[j] * dP.row(i)[j];
    for (int64_t j = 0; j < P.cols; ++j) dS.row(i)[j] = P.row(i)[j] * (dP.row(i)[j] - inner);
  }
}
