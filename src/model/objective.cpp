#include "model/objective.h"

#include "model/language_model.h"
#include "model/sequence_classifier.h"

namespace vitrine::inline VITRINE_PRECISION {

void CrossEntropy::plan(Plan& p, int64_t rows) {
  if (!weights_.empty())
    class_weights_ = p.table(1, int64_t(weights_.size()), [w = weights_](int64_t, int64_t c) { return w[size_t(c)]; });
  losses_ = p.activations.take(rows, 1), lse_ = p.activations.take(rows, 1);
}

void CrossEntropy::forward(Step& s, Tensor logits, const Inputs::Target& target) {
  z_ = logits;
  if (z_.rows > 0) s.ops.cross_entropy_forward(losses(), lse_, z_, target.classes, class_weights_, smoothing_);
}

void CrossEntropy::backward(Step& s, Tensor dlogits, const Inputs::Target& target) {
  const Real scale = target.weight > 0 ? Real(weight_ / target.weight) : 0;
  s.ops.cross_entropy_backward(dlogits, z_, lse_, target.classes, class_weights_, smoothing_, scale);
}

std::unique_ptr<Objective> make_objective(const ObjectiveShape& shape, const ObjectiveSettings& settings) {
  if (settings.kind == ObjectiveKind::kSequenceClassification) return std::make_unique<SequenceClassifier>(shape, settings);
  return std::make_unique<LanguageModel>(shape, settings);
}

}  // namespace vitrine::inline VITRINE_PRECISION
