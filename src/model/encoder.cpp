#include "model/encoder.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace vitrine::inline VITRINE_PRECISION {

Encoder::Encoder(const ModelSettings& m, uint64_t seed)
    : position_(std::make_unique<SharedPosition>(m.position, m.width, m.heads)) {
  // 2L matrices add to the residual stream; starting them 1/√(2L) smaller keeps its variance (Radford et al. 2019, §2.3).
  const Init output = Init::normal(kWeightDeviation / std::sqrt(2.0 * double(m.layers)));
  Block::Settings settings{
      .norm = m.norm,
      .attention = {m.width, m.heads, {}, m.dropout.attention, output, seed, position_.get()},
      .feed_forward = {m.width, m.hidden, m.activation, m.dropout.hidden, output},
      .dropout = m.dropout.residual,
  };
  for (int64_t l = 0; l < m.layers; ++l) {
    settings.attention.attention = m.attention_of(l), settings.attention.last = l == m.layers - 1;
    blocks_.push_back(std::make_unique<Block>("blocks." + std::to_string(l), l, settings));
  }
  if (m.norm.place == NormPlace::kPre) final_norm_ = make_norm("final_norm", m.width, m.norm);
}

// Gradients of activations live until the block below has used them: blocks take two regions in turn.
void Encoder::plan(Plan& p) {
  if (final_norm_) final_norm_->plan(p);
  position_->plan(p);
  const int64_t base = p.gradients.mark();
  int64_t size = 0;  // of a region: that of the hungriest block
  for (const auto& block : blocks_) {
    Plan trial;
    trial.extent = p.extent;
    block->plan(trial);
    size = std::max(size, trial.gradients.peak());
  }
  for (size_t l = 0; l < blocks_.size(); ++l) {
    p.gradients.rewind(base + int64_t(l % 2) * size);
    blocks_[l]->plan(p);
  }
  p.gradients.rewind(base + 2 * size);
}

Tensor Encoder::forward(Step& s, Tensor x) {
  for (const auto& block : blocks_) x = block->forward(s, x);
  const Tensor y = final_norm_ ? final_norm_->forward(s, x) : x;
  s.show("encoder", y);
  return y;
}

Tensor Encoder::backward(Step& s, Tensor dy) {
  if (final_norm_) dy = final_norm_->backward(s, dy);
  for (size_t l = blocks_.size(); l-- > 0;) dy = blocks_[l]->backward(s, dy);
  return dy;
}

}  // namespace vitrine::inline VITRINE_PRECISION
