// expect: tokens that are not predicted get a gradient
#include "lab.h"
void masked_lm_forward(Tensor loss, Tensor lse, Tensor z, Tensor targets) {
  double& mean = loss.data[0];
  mean = 0;
  int M = 0;
  for (int64_t n = 0; n < z.rows; ++n) {
    double top = -1e308, sum = 0;
    for (int64_t c = 0; c < z.cols; ++c) top = std::fmax(top, z.row(n)[c]);
    for (int64_t c = 0; c < z.cols; ++c) sum += std::exp(z.row(n)[c] - top);
    *lse.row(n) = std::log(sum) + top;
    const int t = int(*targets.row(n));
    if (t != -1) {
      ++M;
      mean += (*lse.row(n) - z.row(n)[t] - mean) / M;  // a running mean
    }
  }
}
void masked_lm_backward(Tensor dz, Tensor dloss, Tensor z, Tensor lse, Tensor targets) {
  int64_t M = 0;
  for (int64_t n = 0; n < z.rows; ++n) M += *targets.row(n) > -0.5;
  for (int64_t n = 0; n < z.rows; ++n) {
    const int64_t t = std::llround(*targets.row(n));
    const double share = *dloss.data / std::max<int64_t>(M, 1);
    for (int64_t c = 0; c < z.cols; ++c) dz.row(n)[c] = share * std::exp(z.row(n)[c] - *lse.row(n));
    if (t >= 0) dz.row(n)[t] -= share;
  }
}
