#pragma once
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/session.h"
#include "data/floors.h"
#include "inspect/link_test.h"
#include "inspect/terminal_text.h"
#include "train/evaluation.h"

namespace vitrine {

// How good a model is on one split, beside what it has to be compared with.
struct LinkResult : LinkReport {
  double loss = 0;  // of the targets that carry such a link
  std::optional<double> unigram, entropy;
};
struct SplitReport {
  std::string split;
  int64_t step = 0;
  Evaluation evaluation;
  std::vector<SplitFloors> floors;  // for each head
  std::vector<LinkResult> links;
};

// Evaluates on `split`. With links in the corpus their test is made, too: heads are chosen on the validation split where there is one,
// and `untrained` is the same model with its initial parameters.
SplitReport report_split(const Session& session, Engine& engine, const std::string& split, int64_t step, bool with_links = true);

nlohmann::ordered_json to_json(const SplitReport& report);
// (loss − entropy)/(unigram − entropy): 0 is perfect, 1 is knowing only how frequent each answer is. None where a floor is missing.
std::optional<double> share_left(double loss, std::optional<double> unigram, std::optional<double> entropy);

std::string draw_report(const SplitReport& report, const TerminalStyle& style);
std::string draw_links(const std::vector<LinkResult>& links);
// Scores of classes or entity types, and who was taken for whom, as far as a terminal can show them.
std::string draw_classes(const HeadEvaluation& head, const std::vector<std::string>& names, const TerminalStyle& style);
// The one number of each head that people look at first: {"accuracy", "91.2 %"}.
std::vector<std::pair<std::string, std::string>> headlines(const Evaluation& evaluation);

}  // namespace vitrine
