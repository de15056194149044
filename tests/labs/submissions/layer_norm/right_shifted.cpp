// expect: right
#include "lab.h"
void layer_norm_forward(Tensor y, Tensor mean, Tensor rstd, Tensor x, Tensor gamma, Tensor beta, Real epsilon) {
  // mean(z²) − mean(z)² of z = x − x_0, which does not cancel
  for (int64_t n = 0; n < x.rows; ++n) {
    const double* v = x.row(n);
    double one = 0, two = 0;
    for (int64_t k = 0; k < x.cols; ++k) one += v[k] - v[0], two += (v[k] - v[0]) * (v[k] - v[0]);
    one /= x.cols, two /= x.cols;
    mean.data[n * mean.stride] = v[0] + one;
    rstd.data[n * rstd.stride] = 1 / std::sqrt(two - one * one + epsilon);
    for (int64_t k = 0; k < x.cols; ++k) y.row(n)[k] = gamma.data[k] * (v[k] - v[0] - one) * rstd.row(n)[0] + beta.data[k];
  }
}
void layer_norm_backward(Tensor dx, Tensor dgamma, Tensor dbeta, Tensor dy, Tensor x, Tensor mean, Tensor rstd, Tensor gamma) {
  const int64_t D = x.cols;
  for (int64_t n = 0; n < x.rows; ++n) {
    const double mu = mean.row(n)[0], r = rstd.row(n)[0];
    double a = 0, b = 0;
    for (int64_t j = 0; j < D; ++j) {
      const double g = gamma.row(0)[j] * dy.row(n)[j];
      a += g / D;
      b += g * (x.row(n)[j] - mu) * r / D;
      dgamma.row(0)[j] += dy.row(n)[j] * (x.row(n)[j] - mu) * r;
      dbeta.row(0)[j] += dy.row(n)[j];
    }
    for (int64_t j = 0; j < D; ++j) dx.row(n)[j] = r * (gamma.row(0)[j] * dy.row(n)[j] - a - (x.row(n)[j] - mu) * r * b);
  }
}
