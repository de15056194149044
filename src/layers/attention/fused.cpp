#include "layers/attention/fused.h"

#include <cmath>

namespace vitrine::inline VITRINE_PRECISION {

FusedAttention::FusedAttention(const CoreShape& shape, const Pattern& pattern)
    : weights_name_(shape.name + ".weights"),
      H_(shape.heads),
      D_(shape.width),
      position_(shape.position),
      scale_(Real(1 / std::sqrt(double(D_ / H_)))),
      rate_(Real(shape.dropout)),
      stream_(RngKey::make_stream(Purpose::kDropoutAttention, uint32_t(shape.layer))),
      pattern_(pattern) {}

void FusedAttention::plan(Plan& p) {
  O_ = p.activations.take(p.extent.tokens, D_);
  lse_ = p.activations.take(p.extent.tokens, H_);
}

Tiles FusedAttention::forward(Step& s, Tiles Q, Tiles K, Tiles V) {
  Q_ = Q, K_ = K, V_ = V;
  const Tiles O = s.heads(O_.top(Q.base.rows), H_);
  s.ops.fused_attention_forward(O, lse_, Q, K, V, weights(s));  // O = softmax(Q Kᵀ / √d + bias) V
  if (s.probe && s.probe->wants(weights_name_)) show_weights(s, O, Q, K, V);
  return O;
}

void FusedAttention::backward(Step& s, Tiles dQ, Tiles dK, Tiles dV, Tiles dO) {
  const Tiles O = s.heads(O_.top(dO.base.rows), H_);
  const Tensor dbias = position_ ? position_->dbias() : Tensor{};
  if (!dbias.empty()) s.ops.fill(dbias, 0);
  s.ops.fused_attention_backward(dQ, dK, dV, dbias, dO, O, lse_, Q_, K_, V_, weights(s));  // P = e^(S − lse) once more
}

AttentionWeights FusedAttention::weights(const Step& s) const {
  const RngKey key{s.rng.seed, stream_, s.rng.step};
  return {pattern_, scale_, s.training ? rate_ : 0, key, s.in.first_row, position_ ? position_->bias() : Tensor{}};
}

// The three lines of dense.cpp, in memory that lives as long as the probe looks.
void FusedAttention::show_weights(Step& s, Tiles O, Tiles Q, Tiles K, Tiles V) const {
  const int64_t size = H_ * s.in.packing.pairs();
  const std::unique_ptr<Memory> memory = s.ops.allocate(size);
  const Tiles P = s.scores({memory->data, 1, size, size}, H_);
  s.ops.matmul(P, Q, K.T(), scale_);
  if (position_) position_->add_scores(s, P, Q, K);
  s.ops.softmax_forward(P, P, pattern_);
  s.show(weights_name_, P);
  s.ops.matmul(O, P, V);
}

}  // namespace vitrine::inline VITRINE_PRECISION
