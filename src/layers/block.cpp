#include "layers/block.h"

namespace vitrine::inline VITRINE_PRECISION {

Block::Block(const std::string& name, int64_t layer, const Settings& settings)
    : name_feed_forward_(name + ".feed_forward"),
      name_residual_(name + ".residual"),
      pre_(settings.norm.place == NormPlace::kPre),
      last_(settings.attention.last),
      D_(settings.attention.width),
      attention_norm_(make_norm(name + ".attention_norm", D_, settings.norm)),
      feed_forward_norm_(make_norm(name + ".feed_forward_norm", D_, settings.norm)),
      attention_(name + ".attention", layer, settings.attention),
      rows_(D_),
      feed_forward_(name + ".feed_forward", layer, settings.feed_forward),
      attention_dropout_(settings.dropout, D_, Purpose::kDropoutResidual, layer, 0),
      feed_forward_dropout_(settings.dropout, D_, Purpose::kDropoutResidual, layer, 1) {}

void Block::plan(Plan& p) {
  const int64_t N = p.extent.tokens;
  attention_norm_->plan(p), attention_.plan(p), attention_dropout_.plan(p);
  if (last_) rows_.plan(p, N);
  u_ = p.activations.take(N, D_);
  feed_forward_norm_->plan(p), feed_forward_.plan(p), feed_forward_dropout_.plan(p);
  y_ = p.activations.take(N, D_);
  du_ = p.gradients.take(N, D_), dx_ = p.gradients.take(N, D_);
}

Tensor Block::forward(Step& s, Tensor x) {
  const Indices* read = last_ ? s.read : nullptr;
  const int64_t N = read ? read->size : x.rows;
  Tensor u = u_.top(N), y = y_.top(N);
  if (pre_) {
    s.ops.add(u, rows_.forward(s, x, read), attend(s, attention_norm_->forward(s, x)));  // u = x + A(Norm(x))
    s.ops.add(y, u, feed(s, feed_forward_norm_->forward(s, u)));                         // y = u + F(Norm(u))
  } else {
    s.ops.add(u, rows_.forward(s, x, read), attend(s, x));
    u = attention_norm_->forward(s, u);  // u = Norm(x + A(x))
    s.ops.add(y, u, feed(s, u));
    y = feed_forward_norm_->forward(s, y);  // y = Norm(u + F(u))
  }
  s.show(name_residual_, y);
  return y;
}

Tensor Block::backward(Step& s, Tensor dy) {
  const Indices* read = last_ ? s.read : nullptr;
  const Tensor du = du_.top(dy.rows), dx = dx_.top(s.in.packing.tokens());
  if (pre_) {
    s.ops.add(du, dy, feed_forward_norm_->backward(s, feed_backward(s, dy)));                          // du = dy + Norm'(F'(dy))
    s.ops.add(dx, rows_.backward(s, du, read), attention_norm_->backward(s, attend_backward(s, du)));  // dx = du + Norm'(A'(du))
  } else {
    const Tensor dv = feed_forward_norm_->backward(s, dy);  // v = u + F(u)
    s.ops.add(du, dv, feed_backward(s, dv));
    const Tensor dw = attention_norm_->backward(s, du);  // w = x + A(x)
    s.ops.add(dx, rows_.backward(s, dw, read), attend_backward(s, dw));
  }
  return dx;
}

Tensor Block::attend(Step& s, Tensor x) { return attention_dropout_.forward(s, attention_.forward(s, x)); }
Tensor Block::attend_backward(Step& s, Tensor dy) { return attention_.backward(s, attention_dropout_.backward(s, dy)); }

Tensor Block::feed(Step& s, Tensor u) {
  const Tensor y = feed_forward_dropout_.forward(s, feed_forward_.forward(s, u));
  s.show(name_feed_forward_, y);
  return y;
}
Tensor Block::feed_backward(Step& s, Tensor dy) { return feed_forward_.backward(s, feed_forward_dropout_.backward(s, dy)); }

}  // namespace vitrine::inline VITRINE_PRECISION
