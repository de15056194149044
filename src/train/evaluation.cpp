#include "train/evaluation.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace vitrine {
namespace {

void finish_classes(Evaluation& e) {
  int64_t occurring = 0;
  for (const ClassScore& c : e.classes) {
    if (c.truth + c.predicted == 0) continue;
    ++occurring;
    e.precision += c.precision();
    e.recall += c.recall();
    e.f1 += c.f1();
  }
  for (double* mean : {&e.precision, &e.recall, &e.f1}) *mean /= static_cast<double>(std::max<int64_t>(occurring, 1));
}

}  // namespace

bool higher_is_better(std::string_view metric) { return metric != "loss" && metric != "perplexity"; }

double Evaluation::metric(std::string_view name) const {
  if (name == "loss") return loss;
  if (name == "accuracy") return accuracy;
  if (name == "perplexity") return perplexity;
  if (!classes.empty()) {
    if (name == "precision") return precision;
    if (name == "recall") return recall;
    if (name == "f1") return f1;
  }
  fail(ErrorKind::kConfig, "evaluation.metric: {} is not measured here; there is loss, accuracy, perplexity{}", name,
       classes.empty() ? "" : ", precision, recall, f1");
}

Evaluation evaluate(Engine& engine, const Dataset& data, const Collator& collator, const EvaluationOptions& options) {
  Evaluation e;
  e.examples = options.limit > 0 ? std::min(options.limit, data.size()) : data.size();
  double loss = 0, weight = 0;
  int64_t hits = 0;
  ForwardResult results;
  for_each_batch(data, collator, options.batch_tokens, 0, e.examples, [&](const Batch& batch) {
    engine.forward(batch, results);
    const HeadResult& result = results.front();
    const Targets& targets = batch.targets.front();
    if (options.classes && e.classes.empty()) {
      e.classes.resize(static_cast<size_t>(result.classes));
      e.confusion.resize(e.classes.size() * e.classes.size());
    }
    weight += targets.weight;
    for (size_t m = 0; m < targets.classes.size(); ++m) {
      const int32_t truth = targets.classes[m], predicted = result.predictions[m];
      ++e.targets;
      if (truth < 0)
        ++e.unknown;
      else
        loss += result.losses[m];
      hits += truth == predicted;
      if (!options.classes) continue;
      ++e.classes[static_cast<size_t>(predicted)].predicted;
      if (truth < 0) continue;
      ++e.classes[static_cast<size_t>(truth)].truth;
      e.classes[static_cast<size_t>(truth)].hits += truth == predicted;
      ++e.confusion[static_cast<size_t>(truth) * e.classes.size() + static_cast<size_t>(predicted)];
    }
  });
  if (e.targets == 0) fail(ErrorKind::kData, "nothing to evaluate: the split holds no sequence with a target");
  e.loss = weight > 0 ? loss / weight : 0;
  e.accuracy = static_cast<double>(hits) / static_cast<double>(e.targets);
  e.perplexity = std::exp(e.loss);
  finish_classes(e);
  return e;
}

}  // namespace vitrine
