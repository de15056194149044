#include "layers/attention/fused.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace vitrine::inline VITRINE_PRECISION {

FusedAttention::FusedAttention(const CoreShape& shape, const Pattern& pattern)
    : H_(shape.heads),
      D_(shape.width),
      weights_name_(shape.name + ".weights"),
      position_(shape.position),
      scale_(Real(1 / std::sqrt(double(D_ / H_)))),
      rate_(Real(shape.dropout)),
      stream_(RngKey::make_stream(Purpose::kDropoutAttention, uint32_t(shape.layer))),
      windows_(pattern.windows.begin(), pattern.windows.end()),
      pattern_(pattern) {
  pattern_.windows = windows_;
}

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
  if (!dbias().empty()) s.ops.fill(dbias(), 0);
  s.ops.fused_attention_backward(dQ, dK, dV, dbias(), dO, O, lse_, Q_, K_, V_, weights(s));  // P = e^(S − lse) once more
}

AttentionWeights FusedAttention::weights(const Step& s) const {
  const RngKey key{s.rng.seed, stream_, s.rng.step};
  return {pattern_, scale_, s.training ? rate_ : 0, key, s.in.first_row, bias()};
}

// The three lines of dense.cpp, in memory that lives as long as the probe looks.
void FusedAttention::show_weights(Step& s, Tiles O, Tiles Q, Tiles K, Tiles V) const {
  const int64_t size = H_ * s.in.packing.pairs();
  const std::unique_ptr<Memory> memory = s.ops.allocate(size);
  const Tiles P = s.scores({memory->data, 1, size, size}, H_);
  if (bias_.empty()) {
    s.ops.matmul(P, Q, K.T(), scale_);
    if (position_) position_->add_scores(s, P, Q, K);
    s.ops.softmax_forward(P, P, pattern_);
  } else {
    read_off(s, P, Q, K);
  }
  s.show(weights_name_, P);
  s.ops.matmul(O, P, V);
}

// O = P V is P itself where V is the identity: d of its columns at a time.
void FusedAttention::read_off(Step& s, Tiles P, Tiles Q, Tiles K) const {
  const int64_t N = Q.base.rows, d = D_ / H_;
  const std::unique_ptr<Memory> memory = s.ops.allocate(2 * N * D_ + N * H_);
  const Tensor V{memory->data, N, D_, D_}, O{memory->data + N * D_, N, D_, D_}, lse{memory->data + 2 * N * D_, N, H_, H_};
  int64_t longest = 0;
  for (int64_t b = 0; b < s.in.packing.sequences(); ++b) longest = std::max(longest, s.in.packing.length(b));
  for (int64_t first = 0; first < longest; first += d) {
    std::vector<Real> unit(size_t(N * D_));
    for (int64_t b = 0; b < s.in.packing.sequences(); ++b)
      for (int64_t j = first; j < std::min(first + d, s.in.packing.length(b)); ++j)
        for (int64_t h = 0; h < H_; ++h) unit[size_t((s.in.packing.offset[size_t(b)] + j) * D_ + h * d + j - first)] = 1;
    s.ops.write(V, unit);
    AttentionWeights how = weights(s);
    how.rate = 0;
    s.ops.fused_attention_forward(s.heads(O, H_), lse, Q, K, s.heads(V, H_), how);
    each_tile(P, [&](int64_t b, int64_t h) {
      const int64_t n = std::min(d, s.in.packing.length(b) - first);
      if (n > 0) s.ops.copy(P(b, h).columns(first, n), s.heads(O, H_)(b, h).columns(0, n));
    });
  }
}

}  // namespace vitrine::inline VITRINE_PRECISION
