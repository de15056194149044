#pragma once
#include "layers/layer.h"

namespace vitrine::inline VITRINE_PRECISION {

// y = x[rows];   dx[rows] = dy, 0 elsewhere.   Without rows, x itself.
class Rows {
 public:
  explicit Rows(int64_t width) : D_(width) {}
  void plan(Plan& p, int64_t most) {
    y_ = p.activations.take(most, D_);
    dx_ = p.gradients.take(p.extent.tokens, D_);
  }
  Tensor forward(Step& s, Tensor x, const Indices* rows) const {
    if (!rows) return x;
    const Tensor y = y_.top(rows->size);
    s.ops.gather(y, x, *rows);
    return y;
  }
  Tensor backward(Step& s, Tensor dy, const Indices* rows) const {
    if (!rows) return dy;
    const Tensor dx = dx_.top(s.in.packing.tokens());
    s.ops.fill(dx, 0);
    s.ops.scatter_add(dx, dy, *rows);
    return dx;
  }

 private:
  int64_t D_;
  Tensor y_, dx_;
};

}  // namespace vitrine::inline VITRINE_PRECISION
