#include "model/token_classifier.h"

namespace vitrine::inline VITRINE_PRECISION {

TokenClassifier::TokenClassifier(const ObjectiveShape& shape, const ObjectiveSettings& settings)
    : index_(shape.index),
      D_(shape.width),
      C_(shape.classes),
      tagger_("tagger", D_, C_, Init::normal(kWeightDeviation)),
      loss_(shape, settings.label_smoothing) {}

void TokenClassifier::plan(Plan& p, Parameter) {
  const int64_t N = p.extent.tokens, M = p.extent.predicted;
  g_ = p.activations.take(M, D_);
  dz_ = p.gradients.take(M, C_), dh_ = p.gradients.take(N, D_);
  p.extent.tokens = M;  // the head sees one row a word
  tagger_.plan(p);
  p.extent.tokens = N;
  loss_.plan(p, M);
}

void TokenClassifier::forward(Step& s, Tensor h) {
  const Inputs::Target& target = s.in.targets[index_];
  const Tensor g = g_.top(target.rows.size);
  dh_ = dh_.top(h.rows);
  if (g.rows == 0) return loss_.forward(s, dz_.top(0), target);
  s.ops.gather(g, h, target.rows);  // g = h[rows]
  loss_.forward(s, tagger_.forward(s, g), target);
}

Tensor TokenClassifier::backward(Step& s) {
  const Inputs::Target& target = s.in.targets[index_];
  const Tensor dz = dz_.top(target.rows.size);
  s.ops.fill(dh_, 0);
  if (dz.rows == 0) return dh_;
  loss_.backward(s, dz, target);
  s.ops.scatter_add(dh_, tagger_.backward(s, dz), target.rows);  // dh[rows] = dg, 0 elsewhere
  return dh_;
}

}  // namespace vitrine::inline VITRINE_PRECISION
