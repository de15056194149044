#include "layers/attention/kernel.h"

namespace vitrine::inline VITRINE_PRECISION {

KernelAttention::KernelAttention(const CoreShape& shape, int64_t features, bool causal, double epsilon)
    : weights_name_(shape.name + ".weights"),
      H_(shape.heads),
      D_(shape.width),
      m_(features),
      causal_(causal),
      epsilon_(Real(epsilon)) {}

void KernelAttention::plan(Plan& p) {
  O_ = p.activations.take(p.extent.tokens, D_);
  n_ = p.activations.take(p.extent.tokens, H_);
  states_ = p.gradients.take(2 * H_ * m_, D_ / H_ + 1);
}

Tiles KernelAttention::forward(Step& s, Tiles fq, Tiles fk, Tiles V) {
  const Tiles O = s.heads(O_.top(V.base.rows), H_);
  s.ops.linear_attention_forward(O, n_, fq, fk, V, weights());  // O = φq (φkᵀ V) / n
  if (s.probe && s.probe->wants(weights_name_)) show_weights(s, O, fq, fk, V);
  return O;
}

void KernelAttention::backward(Step& s, Tiles dfq, Tiles dfk, Tiles dV, Tiles dO, Tiles fq, Tiles fk, Tiles V) {
  const Tiles O = s.heads(O_.top(dO.base.rows), H_);
  s.ops.linear_attention_backward(dfq, dfk, dV, dO, O, n_, fq, fk, V, weights());
}

// The weights that were implied, in memory that lives as long as the probe looks; what it leaves of them is used.
void KernelAttention::show_weights(Step& s, Tiles O, Tiles fq, Tiles fk, Tiles V) const {
  const int64_t size = H_ * s.in.packing.pairs();
  const std::unique_ptr<Memory> memory = s.ops.allocate(size);
  const Tiles P = s.scores({memory->data, 1, size, size}, H_);
  s.ops.matmul(P, fq, fk.T());
  s.ops.normalise_rows(P, P, causal_, epsilon_);
  s.show(weights_name_, P);
  s.ops.matmul(O, P, V);
}

}  // namespace vitrine::inline VITRINE_PRECISION
