#include "layers/position/shaw.h"

#include <cmath>

#include "layers/linear.h"
#include "layers/position/products.h"

namespace vitrine::inline VITRINE_PRECISION {

Shaw::Shaw(const std::string& name, int64_t width, int64_t heads, const PositionSettings& settings)
    : name_(name),
      D_(width),
      H_(heads),
      k_(settings.distance),
      has_values_(settings.values),
      scale_(Real(1 / std::sqrt(double(D_ / H_)))) {}

void Shaw::plan(Plan& p) {
  const int64_t offsets = 2 * k_ + 1, d = D_ / H_, N = p.extent.tokens;
  const Init init = Init::normal(kWeightDeviation);
  a_ = p.matrix(name_ + ".relative_key.weight", offsets, d, init);
  if (has_values_) b_ = p.matrix(name_ + ".relative_value.weight", offsets, d, init);
  R_ = p.activations.take(N, H_ * offsets);
  if (has_values_) G_ = p.activations.take(N, H_ * offsets);
  dR_ = p.gradients.take(N, H_ * offsets);
}

void Shaw::add_scores(Step& s, Tiles S, Tiles Q, Tiles) {
  Q_ = Q;
  const Tiles R = s.heads(R_.top(Q.base.rows), H_);
  offset_products(s.ops, R, Q, a_.value, scale_);  // R = Q aᵀ / √d
  s.ops.add_by_offset(S, R, {k_});                 // S_ij += R_{i, c(j−i)}
}

void Shaw::scores_backward(Step& s, Tiles dQ, Tiles, Tiles dS) {
  const Tiles dR = s.heads(dR_.top(Q_.base.rows), H_);
  s.ops.fill(dR.base, 0);
  s.ops.sum_by_offset(dR, dS, {k_});                          // dR_ir = Σ_{j: c(j−i) = r} dS_ij
  add_offset_rows(s.ops, dQ, dR, a_.value, scale_);           // dQ += dR a / √d
  offset_outer(s.ops, a_.grad, dR, Q_, scale_, Write::kAdd);  // da += dRᵀ Q / √d
}

void Shaw::add_values(Step& s, Tiles O, Tiles P) {
  if (!has_values_) return;
  const Tiles G = s.heads(G_.top(O.base.rows), H_);
  s.ops.fill(G.base, 0);
  s.ops.sum_by_offset(G, P, {k_});            // G_ir = Σ_{j: c(j−i) = r} P_ij
  add_offset_rows(s.ops, O, G, b_.value, 1);  // O += G b
}

void Shaw::values_backward(Step& s, Tiles dP, Tiles, Tiles dO) {
  if (!has_values_) return;
  const Tiles G = s.heads(G_.top(dO.base.rows), H_), dG = s.heads(dR_.top(dO.base.rows), H_);
  offset_outer(s.ops, b_.grad, G, dO, 1, Write::kAdd);  // db += Gᵀ dO
  offset_products(s.ops, dG, dO, b_.value, 1);          // dG = dO bᵀ
  s.ops.add_by_offset(dP, dG, {k_});                    // dP_ij += dG_{i, c(j−i)}
}

}  // namespace vitrine::inline VITRINE_PRECISION
