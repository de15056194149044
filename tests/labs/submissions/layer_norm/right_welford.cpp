// expect: right
#include "lab.h"
void layer_norm_forward(Tensor y, Tensor mean, Tensor rstd, Tensor x, Tensor gamma, Tensor beta, Real epsilon) {
  for (int64_t n = 0; n < x.rows; ++n) {
    double m = 0, s = 0;  // Welford 1962
    for (int64_t k = 0; k < x.cols; ++k) {
      const double v = x.row(n)[k], d = v - m;
      m += d / (k + 1);
      s += d * (v - m);
    }
    *mean.row(n) = m;
    const double r = *rstd.row(n) = 1 / std::sqrt(s / x.cols + epsilon);
    for (int64_t k = 0; k < x.cols; ++k) y.row(n)[k] = std::fma(r * gamma.data[k], x.row(n)[k] - m, beta.data[k]);
  }
}
void layer_norm_backward(Tensor dx, Tensor dgamma, Tensor dbeta, Tensor dy, Tensor x, Tensor mean, Tensor rstd, Tensor gamma) {
  // columns first, then rows
  for (int64_t k = 0; k < x.cols; ++k)
    for (int64_t n = x.rows; n-- > 0;) {
      dgamma.data[k] += (x.row(n)[k] - *mean.row(n)) * *rstd.row(n) * dy.row(n)[k];
      dbeta.data[k] += dy.row(n)[k];
    }
  for (int64_t n = 0; n < x.rows; ++n) {
    const double r = *rstd.row(n);
    double one = 0, hat = 0;
    for (int64_t k = 0; k < x.cols; ++k) {
      dx.row(n)[k] = dy.row(n)[k] * gamma.data[k];
      one += dx.row(n)[k], hat += dx.row(n)[k] * (x.row(n)[k] - *mean.row(n));
    }
    for (int64_t k = 0; k < x.cols; ++k) dx.row(n)[k] = r * dx.row(n)[k] - r * one / x.cols - r * r * r * hat * (x.row(n)[k] - *mean.row(n)) / x.cols;
  }
}
