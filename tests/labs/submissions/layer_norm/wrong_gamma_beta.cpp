// expect: γ multiplies β, too
#include "lab.h"
void layer_norm_forward(Tensor y, Tensor mean, Tensor rstd, Tensor x, Tensor gamma, Tensor beta, Real epsilon) {
  const int64_t D = x.cols;
  for (int64_t n = 0; n < x.rows; ++n) {
    double mu = 0, variance = 0;
    for (int64_t j = 0; j < D; ++j) mu += x.row(n)[j] / D;
    for (int64_t j = 0; j < D; ++j) variance += std::pow(x.row(n)[j] - mu, 2) / D;
    mean.row(n)[0] = mu;
    rstd.row(n)[0] = std::pow(variance + epsilon, -0.5);
    for (int64_t j = 0; j < D; ++j) y.row(n)[j] = gamma.data[j] * beta.data[j] + gamma.data[j] * (x.row(n)[j] - mu) / std::sqrt(variance + epsilon);
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
