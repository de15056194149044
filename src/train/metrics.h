#pragma once
#include <string_view>
#include <vector>

#include "model/settings.h"

namespace vitrine {

// An objective's name in configurations, reports and metrics.jsonl.
constexpr std::string_view name_of(ObjectiveKind kind) {
  switch (kind) {
    case ObjectiveKind::kMaskedLm: return "masked_lm";
    case ObjectiveKind::kCausalLm: return "causal_lm";
    case ObjectiveKind::kSequenceClassification: return "sequence_classification";
    case ObjectiveKind::kTokenClassification: return "token_classification";
    case ObjectiveKind::kMultiLabelClassification: return "multi_label_classification";
    case ObjectiveKind::kRegression: return "regression";
  }
  return "";
}

// What is measured for it, loss first; of several heads each has its own, as `token_classification.f1`.
inline std::vector<std::string_view> metric_names(ObjectiveKind kind) {
  switch (kind) {
    case ObjectiveKind::kMaskedLm:
    case ObjectiveKind::kCausalLm: return {"loss", "accuracy", "perplexity"};
    case ObjectiveKind::kSequenceClassification: return {"loss", "accuracy", "precision", "recall", "f1"};
    case ObjectiveKind::kTokenClassification: return {"loss", "accuracy", "sequence_accuracy", "precision", "recall", "f1"};
    case ObjectiveKind::kMultiLabelClassification:
      return {"loss", "accuracy", "precision", "recall", "f1", "macro_precision", "macro_recall", "macro_f1"};
    case ObjectiveKind::kRegression: return {"loss", "mse", "mae", "pearson", "spearman"};
  }
  return {};
}

// The one that people are told on the way.
constexpr std::string_view headline_metric(ObjectiveKind kind) {
  switch (kind) {
    case ObjectiveKind::kTokenClassification:
    case ObjectiveKind::kMultiLabelClassification: return "f1";
    case ObjectiveKind::kRegression: return "pearson";
    default: return "accuracy";
  }
}

// Of a name with or without its head.
constexpr bool higher_is_better(std::string_view metric) {
  const std::string_view name = metric.substr(metric.rfind('.') + 1);
  return name != "loss" && name != "perplexity" && name != "mse" && name != "mae";
}

}  // namespace vitrine
