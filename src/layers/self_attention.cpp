#include "layers/self_attention.h"

namespace vitrine::inline VITRINE_PRECISION {

SelfAttention::SelfAttention(const std::string& name, int64_t layer, const Settings& settings)
    : name_query_(name + ".query"),
      name_key_(name + ".key"),
      name_value_(name + ".value"),
      name_output_(name + ".output"),
      name_gradient_("gradient." + name_output_),
      D_(settings.width),
      H_(settings.heads),
      last_(settings.last),
      projection_({name_query_, name_key_, name_value_}, D_, D_, Init::normal(kWeightDeviation)),
      position_(settings.position ? make_relative_position(name, D_, H_, *settings.position) : nullptr),
      core_(make_attention_core({name, layer, H_, D_, settings.dropout, settings.seed, position_.get()}, settings.attention)),
      rows_(D_),
      output_(name_output_, D_, D_, settings.output) {}

void SelfAttention::plan(Plan& p) {
  projection_.plan(p);
  if (position_) position_->plan(p);
  core_->plan(p);
  if (last_) rows_.plan(p, p.extent.tokens);
  dqkv_ = p.gradients.take(p.extent.tokens, 3 * D_);
  output_.plan(p);
}

Tensor SelfAttention::forward(Step& s, Tensor x) {
  const auto [Q, K, V] = split(s, projection_.forward(s, x));  // [Q K V] = x W_qkvᵀ + b
  s.show(name_query_, Q.base), s.show(name_key_, K.base), s.show(name_value_, V.base);
  if (position_) position_->prepare(s, Q, K);
  const Tiles O = core_->forward(s, Q, K, V);
  s.show(name_output_, O.base);
  return output_.forward(s, rows_.forward(s, O.base, last_ ? s.read : nullptr));  // y = O W_oᵀ + b
}

Tensor SelfAttention::backward(Step& s, Tensor dy) {
  const Tiles dO = s.heads(rows_.backward(s, output_.backward(s, dy), last_ ? s.read : nullptr), H_);  // dO = dy W_o
  s.show(name_gradient_, dO.base);
  const Tensor dqkv = dqkv_.top(dO.base.rows);
  const auto [dQ, dK, dV] = split(s, dqkv);
  core_->backward(s, dQ, dK, dV, dO);
  if (position_) position_->finish(s, dQ, dK);
  return projection_.backward(s, dqkv);  // dx = [dQ dK dV] W_qkv
}

SelfAttention::Triple SelfAttention::split(const Step& s, Tensor qkv) const {
  return {s.heads(qkv.columns(0, D_), H_), s.heads(qkv.columns(D_, D_), H_), s.heads(qkv.columns(2 * D_, D_), H_)};
}

}  // namespace vitrine::inline VITRINE_PRECISION
