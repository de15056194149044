#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/loader.h"
#include "train/engine.h"
#include "train/metrics.h"
#include "train/score.h"

namespace vitrine {

// What has to be known of an objective to measure it.
struct MeasuredHead {
  ObjectiveKind kind = ObjectiveKind::kMaskedLm;
  double weight = 1;                            // of its loss
  std::vector<std::string> tags, unknown_tags;  // token_classification: as in Corpus
  ValueScale scale;                             // regression
};

// How well one head does.
//   accuracy                 share of targets that are right; of several labels: of sequences of which all are
//   sequence_accuracy        of tags: share of the sequences with a target in which all are right
//   precision, recall, f1    tags that spell entities: of entities (train/entities.h); several labels: over all sequences and labels
//                            (micro), a label being said where σ(z) > ½; else, and under macro_…: means over the classes that occur in
//                            the truth or among the predictions
//   mse, mae                 in the units of the data; loss is in those of the scaled numbers
struct HeadEvaluation {
  ObjectiveKind kind = ObjectiveKind::kMaskedLm;
  int64_t targets =
      0;  // predicted tokens, words, or sequences; those with an unknown label or tag and those cut off are counted too
  int64_t unknown = 0;  // labels and tags that training did not have: no loss, and always wrong
  int64_t cut = 0;      // words beyond data.max_length: no loss, and always wrong
  std::vector<std::pair<std::string_view, double>> metrics;  // those of metric_names(kind), in that order
  std::vector<ClassScore> classes;                           // where there are classes other than tokens
  std::vector<int64_t> confusion;              // [C,C]: row is the truth, column the prediction; not of several labels
  std::map<std::string, ClassScore> entities;  // by type, where tags spell them

  double metric(std::string_view name) const;  // Error{kConfig} for one that does not exist
  double loss() const { return metrics.front().second; }
};

struct Evaluation {
  int64_t examples = 0;
  double loss = 0;  // Σ_k weight_k loss_k: means over the targets that have one, weighted as in training; nats
  std::vector<HeadEvaluation> heads;

  // By its name in `evaluation.metric`: `loss`, or that of a head, with `kind.` before it where several have it.
  double metric(std::string_view name) const;
};

struct EvaluationOptions {
  int64_t batch_tokens = 0;  // of one batch
  int64_t limit = 0;         // examples, from the front; 0: all
};
Evaluation evaluate(Engine& engine, const Dataset& data, const Collator& collator, const std::vector<MeasuredHead>& heads,
                    const EvaluationOptions& options);

}  // namespace vitrine
