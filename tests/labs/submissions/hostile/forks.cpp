// expect: asked the system for something
#include <unistd.h>
#include "lab.h"
void softmax_forward(Tensor, Tensor) {  // twice, and each child leaves: where nothing stops it, it does no harm
  for (int i = 0; i < 2; ++i)
    if (fork() == 0) _exit(0);
}
void softmax_backward(Tensor dS, Tensor dP, Tensor P) {
  for (int64_t i = 0; i < P.rows; ++i) {
    double inner = 0;
    for (int64_t j = 0; j < P.cols; ++j) inner += P.row(i)[j] * dP.row(i)[j];
    for (int64_t j = 0; j < P.cols; ++j) dS.row(i)[j] = P.row(i)[j] * (dP.row(i)[j] - inner);
  }
}
