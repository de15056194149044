#include <unistd.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/report.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

namespace vitrine {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const ClassScore& score) {
  return {{"precision", score.precision()}, {"recall", score.recall()}, {"f1", score.f1()}, {"count", score.truth}};
}

// Scores by class and by entity type, and the confusion matrix: its rows are the truth.
void add_classes(Json& out, const HeadEvaluation& e, const std::vector<std::string>& names) {
  const size_t C = e.classes.size();
  if (C == 0) return;
  for (const auto& [type, score] : e.entities) out["entities"][type] = to_json(score);
  for (size_t c = 0; c < C; ++c) out["classes"][names[c]] = to_json(e.classes[c]);
  out["labels"] = names;
  for (size_t row = 0; row < e.confusion.size(); row += C)
    out["confusion"].push_back(std::vector<int64_t>(e.confusion.begin() + static_cast<std::ptrdiff_t>(row),
                                                    e.confusion.begin() + static_cast<std::ptrdiff_t>(row + C)));
}

class EvaluateVerb : public Verb {
 public:
  CLI::App* declare(CLI::App& program) override {
    CLI::App* verb = program.add_subcommand("evaluate", "metrics of the best checkpoint on a split, beside their floors");
    add_run_argument(*verb, run_, sets_);
    verb->add_option("--split", split_, "train, validation or test (default: test, or else validation)");
    verb->add_flag("--json", json_, "one JSON object on stdout");
    verb->footer("Example:\n  vitrine evaluate runs/trec --split validation");
    return verb;
  }

  int run() override {
    Run run = open_run(run_, sets_);
    const Session session = make_session(run.config, std::move(run.learned));
    const std::unique_ptr<Engine> engine = session.make_engine();
    engine->set_parameters(run.checkpoint.model);
    if (split_.empty()) split_ = session.corpus.test ? "test" : session.corpus.validation ? "validation" : "train";
    const SplitReport report = report_split(session, *engine, split_, run.checkpoint.state.step);
    const std::vector<HeadEvaluation>& heads = report.evaluation.heads;
    if (json_) {
      Json out = to_json(report);
      for (const HeadEvaluation& head : heads)
        add_classes(heads.size() > 1 ? out[std::string(name_of(head.kind))] : out, head, session.names_of(head.kind));
      print(out.dump() + "\n");
      return 0;
    }
    const TerminalStyle style = terminal_of(STDOUT_FILENO).style;
    std::string text = draw_report(report, style);
    for (const HeadEvaluation& head : heads)
      if (!head.classes.empty())
        text += (heads.size() > 1 ? fmt::format("\n{}\n", name_of(head.kind)) : "\n") +
                draw_classes(head, session.names_of(head.kind), style);
    print(text);
    return 0;
  }

 private:
  std::string run_, split_;
  std::vector<std::string> sets_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_evaluate_verb() { return std::make_unique<EvaluateVerb>(); }

}  // namespace vitrine
