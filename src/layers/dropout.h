#pragma once
#include "layers/layer.h"

namespace vitrine::inline VITRINE_PRECISION {

// y = x ⊙ keep / (1 − rate) in training, y = x otherwise (Srivastava et al. 2014, in its inverted form).
// Forward works in place: nothing that stands before a dropout needs its output for backward. The mask is a function of
// (seed, step, row of the whole batch, column), so backward draws it again instead of storing it.
class Dropout : public Layer {
 public:
  Dropout(double rate, int64_t width, Purpose purpose, int64_t layer = 0, int64_t head = 0)
      : rate_(Real(rate)), D_(width), stream_(RngKey::make_stream(purpose, uint32_t(layer), uint32_t(head))) {}

  void plan(Plan& p) override {
    if (rate_ > 0) dx_ = p.gradients.take(p.extent.tokens, D_);
  }
  Tensor forward(Step& s, Tensor x) override {
    if (active(s)) drop(s, x, x);
    return x;
  }
  Tensor backward(Step& s, Tensor dy) override {
    if (!active(s)) return dy;
    const Tensor dx = dx_.top(dy.rows);
    drop(s, dx, dy);
    return dx;
  }

 private:
  bool active(const Step& s) const { return s.training && rate_ > 0; }
  void drop(Step& s, Tensor y, Tensor x) const {
    const RngKey key{s.rng.seed, stream_, s.rng.step};
    if (const Indices* rows = s.rows_of(x))
      s.ops.dropout(y, x, rate_, key, s.in.first_row, *rows);
    else
      s.ops.dropout(y, x, rate_, key, s.in.first_row);
  }
  Real rate_;
  int64_t D_;
  uint32_t stream_;
  Tensor dx_;
};

}  // namespace vitrine::inline VITRINE_PRECISION
