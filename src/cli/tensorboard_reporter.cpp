#include "cli/tensorboard_reporter.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/statistics.h"

namespace vitrine {
namespace {

// model.heads → model/heads: TensorBoard groups by the first part.
std::string tag_of(std::string path) {
  std::replace(path.begin(), path.end(), '.', '/');
  return path;
}

// Markdown shows a block that is indented by four spaces as it is.
std::string indented(const std::string& text) {
  std::string out = "    ";
  for (const char c : text) out += c == '\n' ? "\n    " : std::string(1, c);
  return out;
}

}  // namespace

TensorboardReporter::TensorboardReporter(Reporter& next, const Engine& engine, const std::string& folder, int64_t steps_done,
                                         const std::string& config)
    : next_(next), engine_(engine), file_(folder, steps_done > 0 ? steps_done + 1 : 0) {
  file_.text(steps_done, "config", indented(config));
}

void TensorboardReporter::log(const TrainingLog& log) {
  write(log.step, "train", metrics_line(log));
  for (const NamedTensor& t : engine_.parameters()) file_.histogram(log.step, "parameters/" + tag_of(t.name), t.as_double());
  for (const NamedTensor& t : engine_.gradients()) file_.histogram(log.step, "gradients/" + tag_of(t.name), t.as_double());
  next_.log(log);
}

void TensorboardReporter::evaluated(int64_t step, const Evaluation& evaluation, bool best) {
  write(step, "validation", metrics_line(step, "validation", evaluation));
  next_.evaluated(step, evaluation, best);
}

void TensorboardReporter::write(int64_t step, const std::string& split, const std::string& metrics) {
  for (const auto& [name, value] : numbers_of(nlohmann::ordered_json::parse(metrics)))
    file_.scalar(step, split + "/" + tag_of(name), value);
}

}  // namespace vitrine
