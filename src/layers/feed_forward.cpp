#include "layers/feed_forward.h"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

bool is_gated(ActivationKind kind) { return kind == ActivationKind::kSwiglu || kind == ActivationKind::kGeglu; }

Activation function_of(ActivationKind kind) {
  switch (kind) {
    case ActivationKind::kGelu:
    case ActivationKind::kGeglu: return Activation::kGelu;
    case ActivationKind::kGeluTanh: return Activation::kGeluTanh;
    case ActivationKind::kRelu: return Activation::kRelu;
    case ActivationKind::kSilu:
    case ActivationKind::kSwiglu: return Activation::kSilu;
  }
  return Activation::kGelu;
}

std::vector<std::string> up_names(const std::string& name, bool gated) {
  return gated ? std::vector{name + ".gate", name + ".up"} : std::vector{name + ".up"};
}

}  // namespace

FeedForward::FeedForward(const std::string& name, int64_t layer, const Settings& settings)
    : F_(settings.hidden),
      gated_(is_gated(settings.activation)),
      f_(function_of(settings.activation)),
      up_(up_names(name, gated_), settings.width, F_, Init::normal(kWeightDeviation)),
      dropout_(settings.dropout, F_, Purpose::kDropoutHidden, layer),
      down_(name + ".down", F_, settings.width, settings.down) {}

void FeedForward::plan(Plan& p) {
  up_.plan(p);
  a_ = p.activations.take(p.extent.tokens, F_);
  du_ = p.gradients.take(p.extent.tokens, gated_ ? 2 * F_ : F_);
  dropout_.plan(p);
  down_.plan(p);
}

Tensor FeedForward::forward(Step& s, Tensor x) {
  u_ = up_.forward(s, x);  // u = x W_upᵀ + b_up       gated: [g u]
  const Tensor a = a_.top(x.rows);
  if (gated_)
    s.ops.gated_forward(a, u_.columns(0, F_), u_.columns(F_, F_), f_);  // a = f(g) ⊙ u
  else
    s.ops.activation_forward(a, u_, u_, f_);  // a = f(u), and f'(u) in the place of u
  return down_.forward(s, dropout_.forward(s, a));
}

Tensor FeedForward::backward(Step& s, Tensor dy) {
  const Tensor da = dropout_.backward(s, down_.backward(s, dy)), du = du_.top(dy.rows);
  if (gated_)
    s.ops.gated_backward(du.columns(0, F_), du.columns(F_, F_), da, u_.columns(0, F_), u_.columns(F_, F_), f_);
  else
    s.ops.activation_backward(du, da, u_);  // du = da ⊙ f'(u)
  return up_.backward(s, du);
}

}  // namespace vitrine::inline VITRINE_PRECISION
