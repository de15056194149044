#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/loader.h"
#include "train/engine.h"

namespace vitrine {

// How often a class was right: precision = hits/predicted, recall = hits/truth (0 where the denominator is), f1 their harmonic mean.
struct ClassScore {
  int64_t truth = 0, predicted = 0, hits = 0;
  double precision() const { return predicted > 0 ? static_cast<double>(hits) / static_cast<double>(predicted) : 0; }
  double recall() const { return truth > 0 ? static_cast<double>(hits) / static_cast<double>(truth) : 0; }
  double f1() const {
    return truth + predicted > 0 ? 2.0 * static_cast<double>(hits) / static_cast<double>(truth + predicted) : 0;
  }
};

struct Evaluation {
  int64_t examples = 0;
  int64_t targets = 0;  // predicted tokens or labelled sequences; those with an unknown label are counted too
  int64_t unknown = 0;  // labels that training did not have: no loss, and always wrong
  double loss = 0;      // mean over the targets that have one, weighted as in training; nats
  double accuracy = 0;
  double perplexity = 0;  // e^loss
  // Sequence classification only. Macro scores are means over the classes that occur in the truth or among the predictions.
  std::vector<ClassScore> classes;
  std::vector<int64_t> confusion;  // [C,C]: row is the truth, column the prediction
  double precision = 0, recall = 0, f1 = 0;

  double metric(std::string_view name) const;  // by its name in `evaluate --json`; Error{kConfig} for one that does not exist
};
bool higher_is_better(std::string_view metric);

struct EvaluationOptions {
  int64_t batch_tokens = 0;  // of one batch
  int64_t limit = 0;         // examples, from the front; 0: all
  bool classes = false;      // sequence classification: scores by class
};
Evaluation evaluate(Engine& engine, const Dataset& data, const Collator& collator, const EvaluationOptions& options);

}  // namespace vitrine
