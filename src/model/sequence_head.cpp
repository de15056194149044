#include "model/sequence_head.h"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

std::string name_of(ObjectiveKind kind) {
  return kind == ObjectiveKind::kMultiLabelClassification ? "labeller"
         : kind == ObjectiveKind::kRegression             ? "regressor"
                                                          : "classifier";
}

std::unique_ptr<Loss> make_loss(const ObjectiveShape& shape, const ObjectiveSettings& settings) {
  if (settings.kind == ObjectiveKind::kMultiLabelClassification) return std::make_unique<BinaryCrossEntropy>(shape);
  if (settings.kind == ObjectiveKind::kRegression) return std::make_unique<SquaredError>(shape);
  return std::make_unique<CrossEntropy>(shape, settings.label_smoothing);
}

}  // namespace

SequenceHead::SequenceHead(const ObjectiveShape& shape, const ObjectiveSettings& settings)
    : index_(shape.index),
      D_(shape.width),
      C_(shape.classes),
      pooling_(settings.pooling),
      rows_(D_),
      last_(name_of(settings.kind), D_, C_, Init::normal(kWeightDeviation)),
      loss_(make_loss(shape, settings)) {
  const bool classifier = settings.kind == ObjectiveKind::kSequenceClassification;
  if (settings.pooler)
    pooler_.emplace(classifier ? "pooler" : name_of(settings.kind) + ".pooler", D_, D_, Init::normal(kWeightDeviation));
}

void SequenceHead::plan(Plan& p, Parameter) {
  const int64_t N = p.extent.tokens, B = p.extent.sequences;
  c_ = p.activations.take(B, D_), t_ = p.activations.take(B, D_);
  dz_ = p.gradients.take(B, C_), du_ = p.gradients.take(B, D_);
  if (pooling_ == Pooling::kMean)
    dh_ = p.gradients.take(N, D_);
  else
    rows_.plan(p, B);
  p.extent.tokens = B;  // the head sees one row a sequence
  if (pooler_) pooler_->plan(p);
  last_.plan(p);
  p.extent.tokens = N;
  loss_->plan(p, B);
}

void SequenceHead::forward(Step& s, Tensor h) {
  const int64_t B = s.in.packing.sequences();
  Tensor c = c_.top(B);
  if (pooling_ == Pooling::kMean)
    s.ops.mean_pool_forward(c, h, s.in.packing);  // c_b = mean of h over sequence b
  else
    c = rows_.forward(s, h, s.read ? nullptr : &s.in.first_tokens);  // c_b = h of [CLS]
  if (pooler_) {
    u_ = pooler_->forward(s, c);
    c = t_.top(B);
    s.ops.activation_forward(c, u_, u_, Activation::kTanh);  // c = tanh(c Wᵀ + b)
  }
  loss_->forward(s, last_.forward(s, c), s.in.targets[index_]);
}

Tensor SequenceHead::backward(Step& s) {
  const int64_t B = s.in.packing.sequences();
  const Tensor dz = dz_.top(B);
  loss_->backward(s, dz, s.in.targets[index_]);
  Tensor dc = last_.backward(s, dz);
  if (pooler_) {
    const Tensor du = du_.top(B);
    s.ops.activation_backward(du, dc, u_);
    dc = pooler_->backward(s, du);
  }
  if (pooling_ == Pooling::kCls) return rows_.backward(s, dc, s.read ? nullptr : &s.in.first_tokens);
  const Tensor dh = dh_.top(s.in.packing.tokens());
  s.ops.mean_pool_backward(dh, dc, s.in.packing);
  return dh;
}

}  // namespace vitrine::inline VITRINE_PRECISION
