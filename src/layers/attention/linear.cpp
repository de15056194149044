#include "layers/attention/linear.h"

namespace vitrine::inline VITRINE_PRECISION {

LinearAttention::LinearAttention(const CoreShape& shape, bool causal)
    : H_(shape.heads), D_(shape.width), kernel_(shape, D_ / H_, causal, kEpsilon) {}

void LinearAttention::plan(Plan& p) {
  fq_ = p.activations.take(p.extent.tokens, D_);
  fk_ = p.activations.take(p.extent.tokens, D_);
  kernel_.plan(p);
}

Tiles LinearAttention::forward(Step& s, Tiles Q, Tiles K, Tiles V) {
  V_ = V;
  const Tiles fq = s.heads(fq_.top(Q.base.rows), H_), fk = s.heads(fk_.top(K.base.rows), H_);
  s.ops.elu_features_forward(fq.base, Q.base);  // φq = elu(Q) + 1
  s.ops.elu_features_forward(fk.base, K.base);  // φk = elu(K) + 1
  return kernel_.forward(s, fq, fk, V);         // O = φq (φkᵀ V) / n
}

void LinearAttention::backward(Step& s, Tiles dQ, Tiles dK, Tiles dV, Tiles dO) {
  const Tiles fq = s.heads(fq_.top(dO.base.rows), H_), fk = s.heads(fk_.top(dO.base.rows), H_);
  kernel_.backward(s, dQ, dK, dV, dO, fq, fk, V_);         // dφq, dφk, for now where dQ, dK will be
  s.ops.elu_features_backward(dQ.base, dQ.base, fq.base);  // dQ = dφq ⊙ min(φq, 1)
  s.ops.elu_features_backward(dK.base, dK.base, fk.base);  // dK = dφk ⊙ min(φk, 1)
}

}  // namespace vitrine::inline VITRINE_PRECISION
