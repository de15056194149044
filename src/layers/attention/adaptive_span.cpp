#include "layers/attention/adaptive_span.h"

#include <cmath>

namespace vitrine::inline VITRINE_PRECISION {

AdaptiveSpanAttention::AdaptiveSpanAttention(const CoreShape& shape, const Pattern& pattern, const Settings& settings)
    : FusedAttention(shape, pattern), name_(shape.name + ".span.weight"), settings_(settings) {}

void AdaptiveSpanAttention::plan(Plan& p) {
  FusedAttention::plan(p);
  const int64_t W = settings_.max_span + int64_t(std::ceil(settings_.ramp));
  z_ = p.vector(name_, H_, Init::value(settings_.initial));
  bias_ = p.activations.take(H_, 2 * W + 1), dbias_ = p.gradients.take(H_, 2 * W + 1);
}

Tiles AdaptiveSpanAttention::forward(Step& s, Tiles Q, Tiles K, Tiles V) {
  s.ops.span_forward(bias_, z_.value, Real(settings_.max_span), Real(settings_.ramp));  // ln m
  return FusedAttention::forward(s, Q, K, V);
}

void AdaptiveSpanAttention::backward(Step& s, Tiles dQ, Tiles dK, Tiles dV, Tiles dO) {
  s.ops.fill(dbias_, 0);
  FusedAttention::backward(s, dQ, dK, dV, dO);
  const bool first = s.training && s.in.first_row == 0;
  s.ops.span_backward(z_.grad, dbias_, z_.value, Real(settings_.max_span), Real(settings_.ramp),
                      first ? Real(settings_.penalty) : 0);
}

}  // namespace vitrine::inline VITRINE_PRECISION
