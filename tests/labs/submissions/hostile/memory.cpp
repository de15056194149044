// expect: ended itself by abort
#include <vector>
#include "lab.h"
void softmax_forward(Tensor P, Tensor) {
  static std::vector<std::vector<char>> all;
  for (int i = 0; i < 100; ++i) all.emplace_back(100 << 20, 'x');
  P.data[0] = all[3][7];
}
void softmax_backward(Tensor dS, Tensor dP, Tensor P) {
  for (int64_t i = 0; i < P.rows; ++i) {
    double inner = 0;
    for (int64_t j = 0; j < P.cols; ++j) inner += P.row(i)[j] * dP.row(i)[j];
    for (int64_t j = 0; j < P.cols; ++j) dS.row(i)[j] = P.row(i)[j] * (dP.row(i)[j] - inner);
  }
}
