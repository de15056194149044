#include "model/loss.h"

namespace vitrine::inline VITRINE_PRECISION {

void Loss::plan(Plan& p, int64_t rows) { losses_ = p.activations.take(rows, 1); }

void CrossEntropy::plan(Plan& p, int64_t rows) {
  if (!shape_.class_weights.empty())
    class_weights_ =
        p.table(1, int64_t(shape_.class_weights.size()), [w = shape_.class_weights](int64_t, int64_t c) { return w[size_t(c)]; });
  Loss::plan(p, rows);
  lse_ = p.activations.take(rows, 1);
}

void CrossEntropy::forward(Step& s, Tensor logits, const Inputs::Target& target) {
  z_ = logits;
  if (z_.rows == 0) return;
  const Tensor weights = s.measuring ? Tensor{} : class_weights_;
  s.ops.cross_entropy_forward(losses(), lse_, z_, target.classes, weights, s.measuring ? 0 : smoothing_);
}

void CrossEntropy::backward(Step& s, Tensor dlogits, const Inputs::Target& target) {
  s.ops.cross_entropy_backward(dlogits, z_, lse_, target.classes, class_weights_, smoothing_, scale(target));
}

void NumberLoss::plan(Plan& p, int64_t rows) {
  Loss::plan(p, rows);
  truth_ = p.activations.take(rows, shape_.classes);
}

void NumberLoss::load(Step& s, Tensor z, const Inputs::Target& target) {
  z_ = z;
  s.ops.write(truth(), target.values);
}

void BinaryCrossEntropy::forward(Step& s, Tensor logits, const Inputs::Target& target) {
  load(s, logits, target);
  s.ops.binary_cross_entropy_forward(losses(), z_, truth(), target.classes);
}

void BinaryCrossEntropy::backward(Step& s, Tensor dlogits, const Inputs::Target& target) {
  s.ops.binary_cross_entropy_backward(dlogits, z_, truth(), target.classes, scale(target));
}

void SquaredError::forward(Step& s, Tensor predicted, const Inputs::Target& target) {
  load(s, predicted, target);
  s.ops.squared_error_forward(losses(), z_, truth(), target.classes);
}

void SquaredError::backward(Step& s, Tensor dpredicted, const Inputs::Target& target) {
  s.ops.squared_error_backward(dpredicted, z_, truth(), target.classes, scale(target));
}

}  // namespace vitrine::inline VITRINE_PRECISION
