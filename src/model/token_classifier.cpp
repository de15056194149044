#include "model/token_classifier.h"

namespace vitrine::inline VITRINE_PRECISION {

TokenClassifier::TokenClassifier(const ObjectiveShape& shape, const ObjectiveSettings& settings)
    : index_(shape.index),
      D_(shape.width),
      C_(shape.classes),
      rows_(D_),
      tagger_("tagger", D_, C_, Init::normal(kWeightDeviation)),
      loss_(shape, settings.label_smoothing) {}

void TokenClassifier::plan(Plan& p, Parameter) {
  const int64_t N = p.extent.tokens, M = p.extent.predicted;
  rows_.plan(p, M);
  dz_ = p.gradients.take(M, C_);
  p.extent.tokens = M;  // the head sees one row a word
  tagger_.plan(p);
  p.extent.tokens = N;
  loss_.plan(p, M);
}

void TokenClassifier::forward(Step& s, Tensor h) {
  const Inputs::Target& target = s.in.targets[index_];
  const Tensor g = rows_.forward(s, h, &target.rows);  // g = h[rows]
  loss_.forward(s, tagger_.forward(s, g), target);
}

Tensor TokenClassifier::backward(Step& s) {
  const Inputs::Target& target = s.in.targets[index_];
  const Tensor dz = dz_.top(target.rows.size);
  loss_.backward(s, dz, target);
  return rows_.backward(s, tagger_.backward(s, dz), &target.rows);  // dh[rows] = dg, 0 elsewhere
}

}  // namespace vitrine::inline VITRINE_PRECISION
