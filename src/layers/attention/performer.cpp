#include "layers/attention/performer.h"

#include <cmath>
#include <vector>

#include "layers/attention/orthogonal_features.h"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

int64_t features_or_default(int64_t features, const CoreShape& shape) {
  return features > 0 ? features : 4 * shape.width / shape.heads;
}

// Draw number `key.step` of the features of every head.
void draw(Backend& ops, Tensor omega, int64_t H, int64_t layer, RngKey key) {
  const int64_t m = omega.rows / H;
  for (int64_t h = 0; h < H; ++h) {
    const std::vector<double> w =
        draw_orthogonal_features(m, omega.cols, key.of(Purpose::kRandomFeatures, uint32_t(layer), uint32_t(h)));
    ops.write(omega.slice(h * m, m), std::vector<Real>(w.begin(), w.end()));
  }
}

}  // namespace

PerformerAttention::PerformerAttention(const CoreShape& shape, bool causal, int64_t features, int64_t redraw)
    : features_name_(shape.name + ".features"),
      layer_(shape.layer),
      H_(shape.heads),
      D_(shape.width),
      d_(D_ / H_),
      m_(features_or_default(features, shape)),
      redraw_(redraw),
      scale_(Real(1 / std::sqrt(std::sqrt(double(d_))))),
      kernel_(shape, m_, causal, kEpsilon) {}

void PerformerAttention::plan(Plan& p) {
  NamedState& state = p.state(features_name_, {H_, m_, d_}, H_ * m_, d_);
  omega_ = state.value;
  state.start = [omega = omega_, H = H_, layer = layer_](Backend& ops, RngKey key) { draw(ops, omega, H, layer, key); };
  state.advance = [omega = omega_, H = H_, layer = layer_, redraw = redraw_](Backend& ops, RngKey key) {
    if (redraw == 0 || key.step % uint32_t(redraw) != 0) return;
    draw(ops, omega, H, layer, {key.seed, 0, key.step / uint32_t(redraw)});
  };
  fq_ = p.activations.take(p.extent.tokens, H_ * m_);
  fk_ = p.activations.take(p.extent.tokens, H_ * m_);
  dfq_ = p.gradients.take(p.extent.tokens, H_ * m_);
  dfk_ = p.gradients.take(p.extent.tokens, H_ * m_);
  kernel_.plan(p);
}

Tiles PerformerAttention::forward(Step& s, Tiles Q, Tiles K, Tiles V) {
  Q_ = Q, K_ = K, V_ = V;
  const Tiles fq = s.heads(fq_.top(Q.base.rows), H_), fk = s.heads(fk_.top(K.base.rows), H_);
  s.ops.random_features_forward(fq, Q, omega_, scale_, Stabiliser::kRow);   // φq; a factor of a row cancels in its weights
  s.ops.random_features_forward(fk, K, omega_, scale_, Stabiliser::kTile);  // φk; only a factor of all keys does
  return kernel_.forward(s, fq, fk, V);                                     // O = φq (φkᵀ V) / n
}

void PerformerAttention::backward(Step& s, Tiles dQ, Tiles dK, Tiles dV, Tiles dO) {
  const int64_t N = dO.base.rows;
  const Tiles fq = s.heads(fq_.top(N), H_), fk = s.heads(fk_.top(N), H_);
  const Tiles dfq = s.heads(dfq_.top(N), H_), dfk = s.heads(dfk_.top(N), H_);
  kernel_.backward(s, dfq, dfk, dV, dO, fq, fk, V_);
  s.ops.random_features_backward(dQ, dfq, fq, Q_, omega_, scale_);  // dQ = d^(−¼) ((dφq ⊙ φq) ω − rowsum(dφq ⊙ φq) q̃)
  s.ops.random_features_backward(dK, dfk, fk, K_, omega_, scale_);
}

}  // namespace vitrine::inline VITRINE_PRECISION
