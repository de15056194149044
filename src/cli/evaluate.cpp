#include <unistd.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/report.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

namespace vitrine {
namespace {

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
    if (json_) {
      nlohmann::ordered_json out = to_json(report);
      if (session.classifies()) {
        const Evaluation& e = report.evaluation;
        const size_t C = e.classes.size();
        for (size_t c = 0; c < C; ++c)
          out["classes"][session.corpus.labels[c]] = {{"precision", e.classes[c].precision()},
                                                      {"recall", e.classes[c].recall()},
                                                      {"f1", e.classes[c].f1()},
                                                      {"count", e.classes[c].truth}};
        out["labels"] = session.corpus.labels;
        for (size_t c = 0; c < C; ++c)
          out["confusion"].push_back(std::vector<int64_t>(e.confusion.begin() + static_cast<std::ptrdiff_t>(c * C),
                                                          e.confusion.begin() + static_cast<std::ptrdiff_t>((c + 1) * C)));
      }
      print(out.dump() + "\n");
      return 0;
    }
    const TerminalStyle style = terminal_of(STDOUT_FILENO).style;
    std::string text = draw_report(report, session, style);
    if (session.classifies()) text += "\n" + draw_classes(report, session.corpus.labels, style);
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
