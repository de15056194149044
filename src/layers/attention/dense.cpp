#include "layers/attention/dense.h"

#include <cmath>

namespace vitrine::inline VITRINE_PRECISION {

// Written for one sequence and one head, Q, K, V [T,d], S, P [T,T]; the tiles make each line do it for all of them.

DenseAttention::DenseAttention(const CoreShape& shape, const Pattern& pattern)
    : H_(shape.heads),
      D_(shape.width),
      windows_(pattern.windows.begin(), pattern.windows.end()),
      pattern_(pattern),
      weights_name_(shape.name + ".weights"),
      position_(shape.position),
      scale_(Real(1 / std::sqrt(double((position_ ? position_->terms() : 1) * (D_ / H_))))),
      rate_(Real(shape.dropout)),
      stream_(RngKey::make_stream(Purpose::kDropoutAttention, uint32_t(shape.layer))) {
  pattern_.windows = windows_;
}

void DenseAttention::plan(Plan& p) {
  P_ = p.activations.take(1, H_ * p.extent.pairs);
  R_ = rate_ > 0 ? p.activations.take(1, H_ * p.extent.pairs) : P_;
  O_ = p.activations.take(p.extent.tokens, D_);
  dP_ = p.gradients.take(1, H_ * p.extent.pairs);
}

Tiles DenseAttention::forward(Step& s, Tiles Q, Tiles K, Tiles V) {
  Q_ = Q, K_ = K, V_ = V;
  const Tiles P = s.scores(P_, H_), O = s.heads(O_.top(Q.base.rows), H_);
  s.ops.matmul(P, Q, K.T(), scale_);                 // S = Q Kᵀ / √d
  if (position_) position_->add_scores(s, P, Q, K);  // S_ij += what depends on j − i
  normalise(s, P);                                   // P = softmax(S)
  s.show(weights_name_, P);
  const Tiles R = drop(s, P);
  s.ops.matmul(O, R, V);                          // O = P V
  if (position_) position_->add_values(s, O, R);  // O_i += Σ_j P_ij b_{j−i}
  return O;
}

void DenseAttention::backward(Step& s, Tiles dQ, Tiles dK, Tiles dV, Tiles dO) {
  const Tiles P = s.scores(P_, H_), R = s.scores(dropping(s) ? R_ : P_, H_), dP = s.scores(dP_, H_);
  s.ops.matmul(dV, R.T(), dO);   // dV = Pᵀ dO
  s.ops.matmul(dP, dO, V_.T());  // dP = dO Vᵀ
  if (position_) position_->values_backward(s, dP, R, dO);
  if (dropping(s)) s.ops.dropout(dP, dP, rate_, key(s), s.in.first_row);
  normalise_backward(s, dP, P);          // dS = P ⊙ (dP − rowsum(dP ⊙ P))
  s.ops.matmul(dQ, dP, K_, scale_);      // dQ = dS K / √d
  s.ops.matmul(dK, dP.T(), Q_, scale_);  // dK = dSᵀ Q / √d
  if (position_) position_->scores_backward(s, dQ, dK, dP);
}

void DenseAttention::normalise(Step& s, Tiles P) { s.ops.softmax_forward(P, P, pattern_); }
void DenseAttention::normalise_backward(Step& s, Tiles dP, Tiles P) { s.ops.softmax_backward(dP, dP, P, pattern_); }

// In training, weights are dropped after the softmax: O = R V with R = P ⊙ keep / (1 − rate).
Tiles DenseAttention::drop(Step& s, Tiles P) const {
  if (!dropping(s)) return P;
  const Tiles R = s.scores(R_, H_);
  s.ops.dropout(R, P, rate_, key(s), s.in.first_row);
  return R;
}

}  // namespace vitrine::inline VITRINE_PRECISION
