#include "layers/attention/entmax.h"

#include <cmath>

namespace vitrine::inline VITRINE_PRECISION {

EntmaxAttention::EntmaxAttention(const CoreShape& shape, const Pattern& pattern, double alpha, bool learned)
    : DenseAttention(shape, pattern), name_(shape.name + ".alpha.weight"), start_(alpha), learned_(learned) {}

void EntmaxAttention::plan(Plan& p) {
  DenseAttention::plan(p);
  if (!learned_) {
    alpha_ = p.table(1, H_, [alpha = start_](int64_t, int64_t) { return alpha; });
    return;
  }
  a_ = p.vector(name_, H_, Init::value(std::log((start_ - 1) / (2 - start_))));
  one_ = p.table(1, H_, [](int64_t, int64_t) { return 1.0; });
  alpha_ = p.activations.take(1, H_), slope_ = p.activations.take(1, H_);
  dalpha_ = p.gradients.take(1, H_);
}

void EntmaxAttention::normalise(Step& s, Tiles P) {
  if (learned_) {
    s.ops.activation_forward(alpha_, slope_, a_.value, Activation::kSigmoid);
    s.ops.add(alpha_, alpha_, one_);  // α = 1 + σ(a)
  }
  s.ops.entmax_forward(P, P, alpha_, pattern_);
}

void EntmaxAttention::normalise_backward(Step& s, Tiles dP, Tiles P) {
  if (learned_) s.ops.fill(dalpha_, 0);
  s.ops.entmax_backward(dP, dalpha_, dP, P, alpha_, pattern_);
  if (!learned_) return;
  s.ops.activation_backward(dalpha_, dalpha_, slope_);  // da = dα σ'(a)
  s.ops.add(a_.grad, a_.grad, dalpha_);
}

}  // namespace vitrine::inline VITRINE_PRECISION
