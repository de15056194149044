#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/log.h"
#include "base/rng.h"
#include "cli/sampling.h"
#include "cli/terminal.h"
#include "cli/text_model.h"
#include "cli/verbs.h"

namespace vitrine {
namespace {

class GenerateVerb : public Verb {
 public:
  CLI::App* declare(CLI::App& program) override {
    CLI::App* verb = program.add_subcommand("generate", "goes on with a text, token by token, by a causal_lm run");
    add_run_argument(*verb, run_, sets_);
    verb->add_option("--prompt", prompt_, "the text to go on with (default: the beginning of a line)")->type_name("TEXT");
    const auto number = [&](const char* name, int64_t& value, int64_t least, const char* help) {
      return verb->add_option(name, value, help)->type_name("N")->check(whole_number(least));
    };
    number("--tokens", tokens_, 1, "how many more")->capture_default_str();
    verb->add_option("--temperature", how_.temperature,
                     "divides the logits: below 1 the likely gets likelier; 0 takes the likeliest")
        ->type_name("X")
        ->capture_default_str();
    number("--top-k", top_k_, 1, "draws among the N most probable tokens only (default: all)");
    number("--seed", seed_, 0, "another seed, another text; the same, the same")->capture_default_str();
    verb->footer("Example:\n  vitrine generate runs/shakespeare --prompt 'ROMEO:' --tokens 300 --temperature 0.8 --seed 2");
    return verb;
  }

  int run() override {
    if (!std::isfinite(how_.temperature) || how_.temperature < 0)
      fail(ErrorKind::kConfig, "--temperature: expected a number of at least 0, got {}", how_.temperature);
    how_.top_k = static_cast<size_t>(top_k_);
    const Run run = open_run(run_, sets_);
    const std::vector<ObjectiveSettings>& heads = run.config.objectives;
    const auto causal =
        std::find_if(heads.begin(), heads.end(), [](const auto& o) { return o.kind == ObjectiveKind::kCausalLm; });
    if (causal == heads.end())
      fail(ErrorKind::kConfig,
           "'{}' has no causal_lm head, which could go on with a text\nhelp: vitrine predict {} says what it knows", run_, run_);
    TextModel model(run, run.config.data.max_length);
    std::vector<int32_t> ids = read_prompt(model);
    TextPieces pieces(terminal_of(STDOUT_FILENO).is_terminal);
    print(pieces.add(prompt_));
    std::string last = prompt_;
    for (int64_t i = 0; i < tokens_; ++i) {
      const int32_t next = next_of(model, ids, static_cast<size_t>(causal - heads.begin()), i);
      const std::string text = said_by(model.tokenizer(), ids, next);
      ids.push_back(next);
      print(pieces.add(text));
      if (!text.empty()) last = text;
    }
    print(pieces.finish() + (last.ends_with('\n') ? "" : "\n"));
    return 0;
  }

 private:
  std::vector<int32_t> read_prompt(const TextModel& model) const {
    std::vector<int32_t> ids;
    std::vector<Piece> pieces;
    model.tokenizer().encode(prompt_.empty() ? "\n" : prompt_, pieces);
    for (const Piece& piece : pieces) {
      if (prompt_.empty() && piece.id == Tokenizer::kUnknown) continue;
      ids.push_back(piece.id);
      if (piece.id == Tokenizer::kUnknown)
        log_warning("'{}' does not occur in the training text and is read as [UNK]",
                    printable(std::string_view(prompt_).substr(piece.begin, piece.end - piece.begin)));
    }
    if (ids.empty() && model.limit() == model.run().config.data.max_length)  // not even [CLS]
      fail(ErrorKind::kConfig,
           "generate needs a --prompt with a token in it: this run's tokenizer has none for the beginning of a line");
    return ids;
  }

  // Token number i after the prompt, by the last tokens that the model can take.
  int32_t next_of(const TextModel& model, const std::vector<int32_t>& ids, size_t head, int64_t i) const {
    const auto window = static_cast<size_t>(std::min<int64_t>(std::ssize(ids), model.limit()));
    Batch batch;
    model.append(batch, std::span(ids).last(window));
    Targets& targets = batch.targets[head];
    targets.clear();
    targets.rows = {static_cast<int32_t>(batch.size() - 1)};
    targets.classes = {-1};
    ForwardResult result;
    model.engine().forward(batch, result, Want::kLogits);
    const RngKey key = RngKey{static_cast<uint64_t>(seed_)}.of(Purpose::kGenerate);
    return draw_token(result[head].logits, how_, key.uniform(static_cast<uint32_t>(i), 0));
  }

  // What a token adds to the text before it: a space may stand between them.
  static std::string said_by(const Tokenizer& tokenizer, const std::vector<int32_t>& ids, int32_t next) {
    if (ids.empty()) return tokenizer.decode({next});
    return tokenizer.decode({ids.back(), next}).substr(tokenizer.decode({ids.back()}).size());
  }

  std::string run_, prompt_;
  std::vector<std::string> sets_;
  int64_t tokens_ = 200, top_k_ = 0, seed_ = 1;
  Sampling how_;
};

}  // namespace

std::unique_ptr<Verb> make_generate_verb() { return std::make_unique<GenerateVerb>(); }

}  // namespace vitrine
