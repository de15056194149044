#include "train/evaluation.h"

#include <algorithm>

#include "base/error.h"
#include "train/meters.h"

namespace vitrine {

double HeadEvaluation::metric(std::string_view name) const {
  for (const auto& [known, value] : metrics)
    if (known == name) return value;
  std::string names;
  for (const std::string_view known : metric_names(kind)) names += fmt::format("{}{}", names.empty() ? "" : ", ", known);
  fail(ErrorKind::kConfig, "evaluation.metric: {} is not measured here; there is {}", name, names);
}

double Evaluation::metric(std::string_view name) const {
  if (name == "loss") return loss;
  const size_t dot = name.find('.');
  const std::string_view plain = name.substr(dot == name.npos ? 0 : dot + 1);
  for (const HeadEvaluation& head : heads) {
    const auto names = metric_names(head.kind);
    const bool has = std::find(names.begin(), names.end(), plain) != names.end();
    if (dot == name.npos ? has : name.substr(0, dot) == name_of(head.kind)) return head.metric(plain);
  }
  return heads.front().metric(name);
}

Evaluation evaluate(Engine& engine, const Dataset& data, const Collator& collator, const std::vector<MeasuredHead>& heads,
                    const EvaluationOptions& options) {
  Evaluation e;
  e.examples = options.limit > 0 ? std::min(options.limit, data.size()) : data.size();
  std::vector<std::unique_ptr<Meter>> meters;
  for (const MeasuredHead& head : heads) meters.push_back(make_meter(head));
  ForwardResult result;
  for_each_batch(data, collator, options.batch_tokens, 0, e.examples, [&](const Batch& batch) {
    engine.forward(batch, result);
    for (size_t k = 0; k < meters.size(); ++k) meters[k]->add(batch, batch.targets[k], result[k], data);
  });
  for (size_t k = 0; k < meters.size(); ++k) {
    e.heads.push_back(meters[k]->finish());
    if (e.heads[k].targets == 0) fail(ErrorKind::kData, "nothing to evaluate: the split holds no sequence with a target");
    e.loss += heads[k].weight * e.heads[k].loss();
  }
  return e;
}

}  // namespace vitrine
