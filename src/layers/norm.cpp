#include "layers/norm.h"

#include <utility>

namespace vitrine::inline VITRINE_PRECISION {

void LayerNorm::plan(Plan& p) {
  const int64_t N = p.extent.tokens;
  gamma_ = p.vector(name_ + ".weight", D_, Init::value(1));
  beta_ = p.vector(name_ + ".bias", D_, Init::value(0));
  y_ = p.activations.take(N, D_), mean_ = p.activations.take(N, 1), rstd_ = p.activations.take(N, 1);
  dx_ = p.gradients.take(N, D_);
}

Tensor LayerNorm::forward(Step& s, Tensor x) {
  x_ = x;
  const Tensor y = y_.top(x.rows);
  s.ops.layer_norm_forward(y, mean_, rstd_, x, gamma_.value, beta_.value, epsilon_);
  return y;
}

Tensor LayerNorm::backward(Step& s, Tensor dy) {
  const Tensor dx = dx_.top(dy.rows);
  s.ops.layer_norm_backward(dx, gamma_.grad, beta_.grad, dy, x_, mean_, rstd_, gamma_.value);
  return dx;
}

void RmsNorm::plan(Plan& p) {
  const int64_t N = p.extent.tokens;
  gamma_ = p.vector(name_ + ".weight", D_, Init::value(1));
  y_ = p.activations.take(N, D_), rstd_ = p.activations.take(N, 1);
  dx_ = p.gradients.take(N, D_);
}

Tensor RmsNorm::forward(Step& s, Tensor x) {
  x_ = x;
  const Tensor y = y_.top(x.rows);
  s.ops.rms_norm_forward(y, rstd_, x, gamma_.value, epsilon_);
  return y;
}

Tensor RmsNorm::backward(Step& s, Tensor dy) {
  const Tensor dx = dx_.top(dy.rows);
  s.ops.rms_norm_backward(dx, gamma_.grad, dy, x_, rstd_, gamma_.value);
  return dx;
}

std::unique_ptr<Layer> make_norm(std::string name, int64_t width, const NormSettings& settings) {
  if (settings.kind == NormKind::kRms) return std::make_unique<RmsNorm>(std::move(name), width, settings.epsilon);
  return std::make_unique<LayerNorm>(std::move(name), width, settings.epsilon);
}

}  // namespace vitrine::inline VITRINE_PRECISION
