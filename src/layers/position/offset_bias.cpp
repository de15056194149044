#include "layers/position/offset_bias.h"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

// x [H,n] as if each row of S had it: rows that are 0 apart.
Tiles of_every_row(Tensor x, const Tiles& like) {
  return {{x.data, like.packing->tokens(), x.size(), 0}, like.packing, x.rows, false};
}

int64_t middle(Tensor bias) { return (bias.cols - 1) / 2; }

}  // namespace

void OffsetBias::add_scores(Step& s, Tiles S, Tiles, Tiles) {
  s.ops.add_by_offset(S, of_every_row(bias_, S), {middle(bias_)});  // S_ij += bias[h, L − 1 + j − i]
}

void OffsetBias::scores_backward(Step& s, Tiles, Tiles, Tiles dS) {
  if (dbias_.empty()) return;
  s.ops.fill(dbias_, 0);
  s.ops.sum_by_offset(of_every_row(dbias_, dS), dS, {middle(dbias_)});  // dbias[h, L − 1 + r] = Σ_{j − i = r} dS_ij
}

void T5Bias::plan(Plan& p) {
  const int64_t H = shared_.weight.value.cols, offsets = shared_.table.cols;
  bias_ = p.activations.take(H, offsets), dbias_ = p.gradients.take(H, offsets);
}

void T5Bias::prepare(Step& s, Tiles, Tiles) {
  s.ops.matmul(bias_, shared_.weight.value.T(), shared_.table);  // bias = wᵀ M
}

void T5Bias::finish(Step& s, Tiles, Tiles) {
  s.ops.matmul(shared_.weight.grad, shared_.table, dbias_.T(), 1, Write::kAdd);  // dw += M dbiasᵀ
}

}  // namespace vitrine::inline VITRINE_PRECISION
