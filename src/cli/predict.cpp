#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "cli/predictions.h"
#include "cli/verbs.h"

namespace vitrine {
namespace {

class PredictVerb : public Verb {
 public:
  CLI::App* declare(CLI::App& program) override {
    CLI::App* verb =
        program.add_subcommand("predict", "labels, tags, values, or the words for each [MASK], of any lines of text");
    add_run_argument(*verb, run_, sets_);
    verb->add_option("FILE", file_, "one text a line; - is standard input (default: -)");
    verb->add_option("--top-k", top_k_, "the most probable K labels, and fillings of each [MASK]")
        ->type_name("K")
        ->check(whole_number(1))
        ->capture_default_str();
    verb->add_flag("--json", json_, "one JSON object a line on stdout");
    verb->footer(
        "Examples:\n"
        "  vitrine predict runs/trec questions.txt --json > answers.jsonl\n"
        "  echo 'the cat [MASK] on the mat' | vitrine predict runs/quickstart");
    return verb;
  }

  int run() override {
    const Run run = open_run(run_, sets_);
    const std::vector<ObjectiveSettings>& heads = run.config.objectives;
    if (heads.size() == 1 && heads[0].kind == ObjectiveKind::kCausalLm)
      fail(ErrorKind::kConfig, "'{}' predicts the next token of a text (causal_lm)\nhelp: vitrine generate {} goes on with one",
           run_, run_);
    TextModel model(run, TextBatches::kTokens);
    const PredictionWriter writer(model, static_cast<size_t>(top_k_), json_);
    TextBatches batches(model, file_);
    ForwardResult result;
    std::vector<std::string> parts;
    while (batches.next()) {
      if (batches.batch().sequence_count() > 0) model.engine().forward(batches.batch(), result, Want::kLogits);
      warn_of_no_mask(batches, model);
      parts.assign(batches.texts().size(), {});
      model.share(std::ssize(parts), [&](int64_t first, int64_t last) {
        for (auto i = static_cast<size_t>(first); i < static_cast<size_t>(last); ++i)
          writer.append(parts[static_cast<size_t>(first)], batches.texts()[i], batches.batch(), result);
      });
      std::string out;
      for (const std::string& part : parts) out += part;
      print(out);
    }
    return 0;
  }

 private:
  // A model of hidden words has nothing to say of a text without one.
  void warn_of_no_mask(const TextBatches& batches, const TextModel& model) {
    if (said_ || model.run().config.objectives.size() > 1 || !model.has(ObjectiveKind::kMaskedLm)) return;
    for (const Text& text : batches.texts()) {
      const auto is_mask = [](const Piece& piece) { return piece.id == Tokenizer::kMask; };
      if (text.pieces.empty() || std::any_of(text.pieces.begin(), text.pieces.end(), is_mask)) continue;
      said_ = true;
      return log_warning("{}:{}: there is no [MASK] to fill; the answer to this line, and to others like it, is empty",
                         batches.name(), text.line);
    }
  }

  std::string run_, file_ = "-";
  std::vector<std::string> sets_;
  int64_t top_k_ = 5;
  bool json_ = false, said_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_predict_verb() { return std::make_unique<PredictVerb>(); }

}  // namespace vitrine
