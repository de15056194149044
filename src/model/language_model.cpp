#include "model/language_model.h"

#include "layers/norm.h"

namespace vitrine::inline VITRINE_PRECISION {

LanguageModel::LanguageModel(const ObjectiveShape& shape, const ObjectiveSettings& settings)
    : index_(shape.index),
      D_(shape.width),
      V_(shape.classes),
      masked_(settings.kind == ObjectiveKind::kMaskedLm),
      tied_(settings.tied),
      rows_(D_),
      loss_(shape, settings.label_smoothing) {
  if (settings.transform)
    transform_.emplace(Transform{
        Linear("head.transform", D_, D_, Init::normal(kWeightDeviation)), make_norm("head.norm", D_, shape.norm), {}, {}, {}});
}

void LanguageModel::plan(Plan& p, Parameter token_embedding) {
  const int64_t N = p.extent.tokens, M = p.extent.predicted;
  rows_.plan(p, M);
  if (transform_) {
    p.extent.tokens = M;
    transform_->dense.plan(p);
    transform_->a = p.activations.take(M, D_), transform_->du = p.gradients.take(M, D_);
    transform_->norm->plan(p);
    p.extent.tokens = N;
  }
  W_ = tied_ ? token_embedding : p.matrix("head.weight", V_, D_, Init::normal(kWeightDeviation));
  b_ = p.vector("head.bias", V_, Init::value(0));
  z_ = p.activations.take(M, V_);
  loss_.plan(p, M);
  dg_ = p.gradients.take(M, D_);
}

void LanguageModel::forward(Step& s, Tensor h) {
  const Inputs::Target& target = s.in.targets[index_];
  const Tensor z = z_.top(target.rows.size);
  g_ = rows_.forward(s, h, s.read ? nullptr : &target.rows);  // g = h[rows]
  if (z.rows > 0) {
    if (transform_) {
      transform_->u = transform_->dense.forward(s, g_);
      const Tensor a = transform_->a.top(z.rows);
      s.ops.activation_forward(a, transform_->u, transform_->u, Activation::kGelu);
      g_ = transform_->norm->forward(s, a);  // g = Norm(gelu(g Wᵀ + b))
    }
    s.ops.linear(z, g_, W_.value, b_.value);  // z = g Eᵀ + b
  }
  loss_.forward(s, z, target);
}

Tensor LanguageModel::backward(Step& s) {
  const Inputs::Target& target = s.in.targets[index_];
  const Tensor z = loss_.logits();
  Tensor dg = dg_.top(z.rows);
  if (z.rows == 0) return rows_.backward(s, dg, s.read ? nullptr : &target.rows);
  loss_.backward(s, z, target);                      // dz, in place of z
  s.ops.matmul(W_.grad, z.T(), g_, 1, Write::kAdd);  // dE += dzᵀ g
  s.ops.bias_backward(b_.grad, z);                   // db += Σ dz
  s.ops.matmul(dg, z, W_.value);                     // dg = dz E
  if (transform_) {
    const Tensor du = transform_->du.top(z.rows);
    s.ops.activation_backward(du, transform_->norm->backward(s, dg), transform_->u);
    dg = transform_->dense.backward(s, du);
  }
  return rows_.backward(s, dg, s.read ? nullptr : &target.rows);  // dh[rows] = dg, 0 elsewhere
}

}  // namespace vitrine::inline VITRINE_PRECISION
