// expect: silu is used
#include "lab.h"
void feed_forward_forward(Tensor y, Tensor u, Tensor x, Tensor W_up, Tensor b_up, Tensor W_down, Tensor b_down) {
  for (int64_t n = 0; n < x.rows; ++n) {
    for (int64_t o = 0; o < y.cols; ++o) y.row(n)[o] = b_down.row(0)[o];
    for (int64_t f = 0; f < u.cols; ++f) {
      double t = 0;
      for (int64_t i = x.cols; i-- > 0;) t += W_up.row(f)[i] * x.row(n)[i];
      t += b_up.row(0)[f];
      u.row(n)[f] = t;
      const double a = t / (1 + std::exp(-t));
      for (int64_t o = 0; o < y.cols; ++o) y.row(n)[o] += a * W_down.row(o)[f];
    }
  }
}
static double distribution(double t) { return std::erfc(-t / 1.4142135623730951) / 2; }
static double density(double t) { return 0.3989422804014327 * std::exp(-0.5 * t * t); }
void feed_forward_backward(Tensor dx, Tensor dW_up, Tensor db_up, Tensor dW_down, Tensor db_down, Tensor dy, Tensor x, Tensor u, Tensor W_up,
                           Tensor W_down) {
  const int64_t N = x.rows, D = x.cols, F = u.cols;
  for (int64_t f = 0; f < F; ++f)
    for (int64_t o = 0; o < D; ++o)
      for (int64_t n = 0; n < N; ++n) dW_down.row(o)[f] += u.row(n)[f] * distribution(u.row(n)[f]) * dy.row(n)[o];
  for (int64_t o = 0; o < D; ++o)
    for (int64_t n = 0; n < N; ++n) db_down.row(0)[o] += dy.row(n)[o];
  for (int64_t n = 0; n < N; ++n) {
    for (int64_t i = 0; i < D; ++i) dx.row(n)[i] = 0;
    for (int64_t f = 0; f < F; ++f) {
      const double t = u.row(n)[f], slope = distribution(t) + t * density(t);
      double da = 0;
      for (int64_t o = 0; o < D; ++o) da += W_down.row(o)[f] * dy.row(n)[o];
      const double du = slope * da;
      db_up.row(0)[f] += du;
      for (int64_t i = 0; i < D; ++i) dW_up.row(f)[i] += x.row(n)[i] * du;
      for (int64_t i = 0; i < D; ++i) dx.row(n)[i] += W_up.row(f)[i] * du;
    }
  }
}
