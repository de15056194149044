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

// Of every synthetic task.
constexpr std::string_view kTaskCommon = R"(
schedule: {kind: cosine, warmup_steps: 200}
training: {steps: 4000, batch_size: 64, clip: 1.0}
evaluation: {every: 500, metric: accuracy}
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
    {"tagging", "A tag for each word: a file of one word and its tag a line, an empty line behind each sentence (CoNLL)", R"(
data: {kind: tagged, train: data/train.conll, validation: 0.1, columns: {token: 0, tag: 1}, max_length: 64}
tokenizer: {kind: word, min_count: 2}
objective: {kind: token_classification}
training: {epochs: 15, batch_size: 32, clip: 1.0}
evaluation: {every: 200, metric: f1}
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
    {"copy", "Blanks that ask for the symbols before them, in order; each answer is a tag", R"(
data: {kind: task, task: copy, vocabulary_size: 26, length: 16, train_sentences: 400000}
model: {width: 64, layers: 2, heads: 4, hidden: 256, position: learned}
optimizer: {learning_rate: 2.0e-03}
)"},
    {"reverse", "Each token's tag is the symbol that stands as far from the other end", R"(
data: {kind: task, task: reverse, vocabulary_size: 26, length: 16, train_sentences: 400000}
model: {width: 32, layers: 1, heads: 2, hidden: 128, position: learned}
optimizer: {learning_rate: 2.0e-03}
)"},
    {"sort", "The i-th token's tag is the i-th smallest symbol", R"(
data: {kind: task, task: sort, vocabulary_size: 26, length: 16, train_sentences: 400000}
model: {width: 64, layers: 2, heads: 4, hidden: 256, position: learned}
optimizer: {learning_rate: 2.0e-03}
)"},
    {"first_occurrence", "Has this symbol stood there before? Each token's tag is first or again", R"(
data: {kind: task, task: first_occurrence, vocabulary_size: 16, length: 16, train_sentences: 400000}
model: {width: 64, layers: 2, heads: 4, hidden: 256, position: learned}
optimizer: {learning_rate: 2.0e-03}
)"},
    {"recall", "Pairs of a key and a value, then keys whose values are asked for (associative recall)", R"(
data: {kind: task, task: recall, vocabulary_size: 16, length: 8, min_length: 2, queries: 2, train_sentences: 400000}
model: {width: 64, layers: 2, heads: 4, hidden: 256, position: learned, attention: causal}
optimizer: {learning_rate: 1.0e-03}
)"},
    {"induction", "Different symbols, twice: what followed this one the first time?", R"(
data: {kind: task, task: induction, vocabulary_size: 32, length: 16, min_length: 8, train_sentences: 400000}
model: {width: 64, layers: 2, heads: 4, hidden: 256, position: learned}
optimizer: {learning_rate: 2.0e-03}
)"},
    {"brackets", "Nested pairs: a letter opens, ) closes, and its tag is the letter that it closes", R"(
data: {kind: task, task: brackets, vocabulary_size: 4, length: 8}
model: {width: 64, layers: 3, heads: 4, hidden: 256, position: learned}
optimizer: {learning_rate: 2.0e-03}
)"},
    {"majority", "The label of a sequence is its most frequent symbol", R"(
data: {kind: task, task: majority, vocabulary_size: 8, length: 16, train_sentences: 400000}
model: {width: 64, layers: 2, heads: 4, hidden: 256, position: learned}
optimizer: {learning_rate: 2.0e-03}
)"},
};

bool is_task(const Recipe& recipe) { return recipe.yaml.find("kind: task") != std::string_view::npos; }

LoadedConfig load_recipe(const Recipe& recipe, const std::vector<std::string>& sets) {
  std::string yaml(recipe.yaml);
  if (is_task(recipe))
    yaml =
        yaml +
        fmt::format("objective: {{kind: {}}}\n", recipe.name == "majority" ? "sequence_classification" : "token_classification") +
        std::string(kTaskCommon);
  else
    yaml = std::string(kCommon) + yaml;
  return parse_config(yaml, std::string(recipe.name), sets);
}

[[noreturn]] void fail_on_task(const std::string& name, const std::vector<std::string>& names) {
  fail(ErrorKind::kConfig, "there is no task '{}'\nhelp: {}", name,
       closest(name, names).empty() ? fmt::format("there is {}", list_text(names, "and"))
                                    : fmt::format("did you mean `{}`?", closest(name, names)));
}

}  // namespace

std::span<const Recipe> recipes() { return kRecipes; }

std::string write_recipe(const std::string& name) {
  std::vector<std::string> names;
  for (const Recipe& recipe : kRecipes) {
    names.emplace_back(recipe.name);
    if (recipe.name != name) continue;
    return fmt::format("# {}.\n# `vitrine config explain KEY` says what a key may be; what is not needed can go.\n{}",
                       recipe.about, commented(load_recipe(recipe, {}).config));
  }
  fail_on_task(name, names);
}

std::vector<std::string> task_names() {
  std::vector<std::string> names;
  for (const Recipe& recipe : kRecipes)
    if (is_task(recipe)) names.emplace_back(recipe.name);
  return names;
}

Config task_config(const std::string& name, const std::vector<std::string>& sets) {
  for (const Recipe& recipe : kRecipes) {
    if (!is_task(recipe) || recipe.name != name) continue;
    // Evaluation would want a validation split, and files of a size that is only generated are large.
    std::vector<std::string> all{"evaluation.every=0", "data.train_sentences=20000"};
    all.insert(all.end(), sets.begin(), sets.end());
    const LoadedConfig loaded = load_recipe(recipe, all);
    for (const char* key : {"data.kind", "data.task"})
      if (loaded.origins.at(key) == "--set") fail(ErrorKind::kConfig, "--set {}: the task is {} already", key, name);
    return loaded.config;
  }
  fail_on_task(name, task_names());
}

}  // namespace vitrine
