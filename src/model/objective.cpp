#include "model/objective.h"

#include "model/language_model.h"
#include "model/sequence_head.h"
#include "model/token_classifier.h"

namespace vitrine::inline VITRINE_PRECISION {

std::unique_ptr<Objective> make_objective(const ObjectiveShape& shape, const ObjectiveSettings& settings) {
  switch (settings.kind) {
    case ObjectiveKind::kMaskedLm:
    case ObjectiveKind::kCausalLm: break;
    case ObjectiveKind::kSequenceClassification:
    case ObjectiveKind::kMultiLabelClassification:
    case ObjectiveKind::kRegression: return std::make_unique<SequenceHead>(shape, settings);
    case ObjectiveKind::kTokenClassification: return std::make_unique<TokenClassifier>(shape, settings);
  }
  return std::make_unique<LanguageModel>(shape, settings);
}

}  // namespace vitrine::inline VITRINE_PRECISION
