#include <algorithm>
#include <cmath>

#include "tensor/tensor.h"

// The loss of a masked language model, without the weights and the smoothing of backend/ops/cross_entropy.cpp.
namespace vitrine::inline VITRINE_PRECISION {

// loss = mean over the predicted tokens of lse − z_t,   lse = m + log Σ_v e^(z_v − m),  m = max z.  A target t of −1 is not predicted: its token
// counts for nothing, but has its lse. Without any predicted token the loss is 0.
void masked_lm_forward(Tensor loss, Tensor lse, Tensor z, Tensor targets) {
  // lab masked_lm: about 14 lines
  Real sum = 0, predicted = 0;
  for (int64_t i = 0; i < z.rows; ++i) {
    const Real* zi = z.row(i);
    const int64_t t = static_cast<int64_t>(targets.row(i)[0]);
    const Real m = *std::max_element(zi, zi + z.cols);
    Real total = 0;
    for (int64_t v = 0; v < z.cols; ++v) total += std::exp(zi[v] - m);
    lse.row(i)[0] = m + std::log(total);
    if (t < 0) continue;
    sum += lse.row(i)[0] - zi[t];
    predicted += 1;
  }
  loss.row(0)[0] = sum / std::max(predicted, Real{1});
  // lab: end
}

// dz = dloss (p − onehot(t)) / (number of predicted tokens),  p_v = e^(z_v − lse);  0 where t is −1          (backend/ops/cross_entropy.md)
void masked_lm_backward(Tensor dz, Tensor dloss, Tensor z, Tensor lse, Tensor targets) {
  // lab masked_lm: about 10 lines
  Real predicted = 0;
  for (int64_t i = 0; i < z.rows; ++i) predicted += targets.row(i)[0] >= 0;
  const Real scale = dloss.row(0)[0] / std::max(predicted, Real{1});
  for (int64_t i = 0; i < z.rows; ++i) {
    const int64_t t = static_cast<int64_t>(targets.row(i)[0]);
    for (int64_t v = 0; v < z.cols; ++v) {
      const Real p = std::exp(z.row(i)[v] - lse.row(i)[0]);
      dz.row(i)[v] = t < 0 ? 0 : scale * (p - (v == t));
    }
  }
  // lab: end
}

}  // namespace vitrine::inline VITRINE_PRECISION
