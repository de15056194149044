// expect: the corrections have t + 1
#include "lab.h"
void adamw(Tensor w, Tensor m, Tensor v, Tensor g, Real learning_rate, Real beta1, Real beta2, Real epsilon, Real weight_decay, int64_t step) {
  double b1 = 1, b2 = 1;
  for (int64_t s = 0; s <= step; ++s) b1 *= beta1, b2 *= beta2;
  for (int64_t i = 0; i < w.rows; ++i)
    for (int64_t j = 0; j < w.cols; ++j) {
      double &W = w.row(i)[j], &M = m.row(i)[j], &V = v.row(i)[j];
      const double G = g.row(i)[j];
      W *= 1 - learning_rate * weight_decay;
      M += (1 - beta1) * (G - M);
      V += (1 - beta2) * (G * G - V);
      const double mean = M / (1 - b1), square = V / (1 - b2);
      W -= learning_rate * mean / (std::sqrt(square) + epsilon);
    }
}
