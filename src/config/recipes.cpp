#include "config/recipes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "base/error.h"
#include "config/config.h"
#include "config/suggest.h"

namespace vitrine {
namespace {

// A model for some thousands of sentences; the schedule of every recipe.
constexpr std::string_view kCommon = R"(
model: {width: 128, layers: 2, heads: 4, hidden: 512, dropout: 0.1, position: learned}
optimizer: {learning_rate: 1.0e-03}
schedule: {kind: linear, warmup_steps: 100}
)";

constexpr Recipe kRecipes[] = {
    {"quickstart", "The hidden word of sentences whose truth is known: a grammar file (data/english.grammar is one)", R"(
data: {kind: grammar, grammar: data/english.grammar, max_length: 32, train_sentences: 400000, validation_sentences: 2000, test_sentences: 4000}
tokenizer: {kind: word}
objective: {kind: masked_lm}
training: {steps: 3000, batch_size: 128, clip: 1.0}
evaluation: {every: 500}
)"},
    {"classification", "Texts in classes: a file with a label, a space or tab, and a text on every line", R"(
data: {kind: labelled_lines, train: data/train.txt, validation: 0.1, max_length: 64}
tokenizer: {kind: word, lowercase: true, min_count: 2}
objective: {kind: sequence_classification, label_smoothing: 0.1}
training: {epochs: 10, batch_size: 32, clip: 1.0}
evaluation: {every: 200, metric: accuracy}
)"},
    {"masked_lm", "Hidden words, to pre-train an encoder: a file with a text on every line", R"(
data: {kind: lines, train: data/train.txt, validation: 0.05, max_length: 64}
tokenizer: {kind: word, lowercase: true, min_count: 2, max_size: 20000}
objective: {kind: masked_lm}
training: {epochs: 10, batch_size: 64, clip: 1.0}
evaluation: {every: 500}
)"},
    {"causal_lm", "The next character of one long text", R"(
data: {kind: text, train: data/input.txt, validation: 0.1, max_length: 64}
tokenizer: {kind: character}
objective: {kind: causal_lm}
training: {steps: 2000, batch_size: 32, clip: 1.0}
evaluation: {every: 250}
)"},
};

}  // namespace

std::span<const Recipe> recipes() { return kRecipes; }

std::string write_recipe(const std::string& name) {
  std::vector<std::string> names;
  for (const Recipe& recipe : kRecipes) {
    names.emplace_back(recipe.name);
    if (recipe.name != name) continue;
    const Config config = parse_config(std::string(kCommon) + std::string(recipe.yaml), name).config;
    return fmt::format("# {}.\n# `vitrine config explain KEY` says what a key may be; what is not needed can go.\n{}",
                       recipe.about, commented(config));
  }
  fail(ErrorKind::kConfig, "there is no task '{}'\nhelp: {}", name,
       closest(name, names).empty() ? fmt::format("there is {}", list_text(names, "and"))
                                    : fmt::format("did you mean `{}`?", closest(name, names)));
}

}  // namespace vitrine
