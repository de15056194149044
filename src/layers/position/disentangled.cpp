#include "layers/position/disentangled.h"

#include <cmath>

#include "layers/position/products.h"

namespace vitrine::inline VITRINE_PRECISION {

Disentangled::Disentangled(const std::string& name, int64_t width, int64_t heads, const SharedPosition& shared)
    : shared_(shared),
      name_(name),
      D_(width),
      H_(heads),
      k_(shared.settings().distance),
      of_query_{.centre = k_, .reversed = true},  // column i − j + k of row i
      of_key_{.centre = k_, .of_key = true},      // column j − i + k of row j
      scale_(Real(1 / std::sqrt(3 * double(D_ / H_)))) {}

void Disentangled::plan(Plan& p) {
  const Init init = Init::normal(kWeightDeviation);
  W_key_ = p.matrix(name_ + ".position_key.weight", D_, D_, init);
  W_query_ = p.matrix(name_ + ".position_query.weight", D_, D_, init);
  b_query_ = p.vector(name_ + ".position_query.bias", D_, Init::value(0));
  for (Tensor* x : {&Kr_, &Qr_}) *x = p.activations.take(2 * k_, D_);
  for (Tensor* x : {&dKr_, &dQr_}) *x = p.gradients.take(2 * k_, D_);
  R_ = p.activations.take(p.extent.tokens, H_ * 2 * k_);
  dR_ = p.gradients.take(p.extent.tokens, H_ * 2 * k_);
}

void Disentangled::prepare(Step& s, Tiles, Tiles) {
  s.ops.matmul(Kr_, shared_.weight.value, W_key_.value.T());                // K^r = p W_pkᵀ
  s.ops.linear(Qr_, shared_.weight.value, W_query_.value, b_query_.value);  // Q^r = p W_pqᵀ + b
}

void Disentangled::add_scores(Step& s, Tiles S, Tiles Q, Tiles K) {
  Q_ = Q, K_ = K;
  const Tiles R = s.heads(R_.top(Q.base.rows), H_);
  offset_products(s.ops, R, Q, Kr_, scale_);  // R = Q K^rᵀ / √(3d)
  s.ops.add_by_offset(S, R, of_query_);       // S_ij += R_{i, δ(i,j)}
  offset_products(s.ops, R, K, Qr_, scale_);  // R = K Q^rᵀ / √(3d)
  s.ops.add_by_offset(S, R, of_key_);         // S_ij += R_{j, δ(j,i)}
}

void Disentangled::scores_backward(Step& s, Tiles dQ, Tiles dK, Tiles dS) {
  const Tiles dR = s.heads(dR_.top(Q_.base.rows), H_);
  s.ops.fill(dR.base, 0);
  s.ops.sum_by_offset(dR, dS, of_query_);                  // dR_ic = Σ_{j: δ(i,j) = c} dS_ij
  add_offset_rows(s.ops, dQ, dR, Kr_, scale_);             // dQ += dR K^r / √(3d)
  offset_outer(s.ops, dKr_, dR, Q_, scale_, Write::kSet);  // dK^r = dRᵀ Q / √(3d)
  s.ops.fill(dR.base, 0);
  s.ops.sum_by_offset(dR, dS, of_key_);                    // dR_jc = Σ_{i: δ(j,i) = c} dS_ij
  add_offset_rows(s.ops, dK, dR, Qr_, scale_);             // dK += dR Q^r / √(3d)
  offset_outer(s.ops, dQr_, dR, K_, scale_, Write::kSet);  // dQ^r = dRᵀ K / √(3d)
}

void Disentangled::finish(Step& s, Tiles, Tiles) {
  s.ops.matmul(W_key_.grad, dKr_.T(), shared_.weight.value, 1, Write::kAdd);    // dW_pk += dK^rᵀ p
  s.ops.matmul(W_query_.grad, dQr_.T(), shared_.weight.value, 1, Write::kAdd);  // dW_pq += dQ^rᵀ p
  s.ops.bias_backward(b_query_.grad, dQr_);                                     // db += Σ dQ^r
  s.ops.matmul(shared_.weight.grad, dKr_, W_key_.value, 1, Write::kAdd);        // dp += dK^r W_pk + dQ^r W_pq
  s.ops.matmul(shared_.weight.grad, dQr_, W_query_.value, 1, Write::kAdd);
}

}  // namespace vitrine::inline VITRINE_PRECISION
