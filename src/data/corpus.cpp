#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "data/corpora.h"
#include "data/grammar.h"
#include "data/pairs.h"

namespace vitrine {
namespace {

void check_settings(const DataSettings& data, const TokenizerSettings& tokenizer, const std::vector<TargetSettings>& targets) {
  if (tokenizer.kind == TokenizerKind::kByte && tokenizer.lowercase)
    fail(ErrorKind::kConfig, "tokenizer.lowercase: kind byte has all 256 bytes and changes none");
  if (token_limit(data, targets) < 1)
    fail(ErrorKind::kConfig, "data.max_length: {} leaves no room for a token{}", data.max_length,
         prepends_cls(targets) ? " beside [CLS]" : "");
  if (data.pairs() && token_limit(data, targets) < kShortestPair)
    fail(ErrorKind::kConfig, "data.max_length: {} leaves no room for a token of each text of a pair and two [SEP]{}",
         data.max_length, prepends_cls(targets) ? " behind [CLS]" : "");
  const auto is_share = [](double x) { return x >= 0 && x < 1; };
  const double validation = data.validation.path.empty() ? data.validation.share : 0;
  const double test = data.test.path.empty() ? data.test.share : 0;
  if (!is_share(validation) || !is_share(test) || validation + test >= 1)
    fail(ErrorKind::kConfig, "data.validation and data.test: shares {} and {} leave nothing of the training file to train on",
         validation, test);
  const bool labelled = data.kind == DataKind::kLabelledLines || data.kind == DataKind::kJsonl ||
                        (data.kind == DataKind::kTable && !data.label.empty()) ||
                        (data.kind == DataKind::kTagged && !data.train_beside.labels.empty()) ||
                        (data.kind == DataKind::kRandom && data.classes >= 2) ||
                        (data.kind == DataKind::kTask && data.task == TaskKind::kMajority);
  if (asks_for(targets, TargetKind::kLabel) && !labelled)
    fail(ErrorKind::kConfig,
         "objective.kind: sequence_classification needs labels, and this kind of data has none\n"
         "help: data.kind: labelled_lines (or, for random data, objective.classes)");
}

// Mean and standard deviation of the numbers of the training split; a deviation of 0 is one of 1.
ValueScale measure_values(const Dataset& train) {
  double sum = 0, squares = 0;
  const auto n = static_cast<double>(train.size());
  Example example;
  const auto each = [&](auto f) {
    for (int64_t i = 0; i < train.size(); ++i) train.read(i, example), f(example.value);
  };
  each([&](double v) { sum += v; });
  const double mean = sum / n;
  each([&](double v) { squares += (v - mean) * (v - mean); });
  return {mean, squares > 0 ? std::sqrt(squares / n) : 1};
}

}  // namespace

bool prepends_cls(const std::vector<TargetSettings>& targets) {
  return std::any_of(targets.begin(), targets.end(), [](const TargetSettings& t) { return t.prepend_cls; });
}

bool asks_for(const std::vector<TargetSettings>& targets, TargetKind kind) {
  return std::any_of(targets.begin(), targets.end(), [&](const TargetSettings& t) { return t.kind == kind; });
}

void Example::clear() {
  tokens.clear(), types.clear(), tags.clear(), labels.clear(), pieces.clear();
  text = {};
  label = next = masked = -1;
  value = std::numeric_limits<double>::quiet_NaN();
}

const Dataset* Corpus::split(const std::string& name) const {
  return name == "train" ? train.get() : name == "validation" ? validation.get() : name == "test" ? test.get() : nullptr;
}

Corpus load_corpus(const DataSettings& data, const TokenizerSettings& tokenizer, const std::vector<TargetSettings>& targets,
                   uint64_t seed, Learned learned) {
  check_settings(data, tokenizer, targets);
  Corpus corpus;
  const std::optional<ValueScale> scale = learned.scale;
  switch (data.kind) {
    case DataKind::kText: corpus = load_text_corpus(data, tokenizer, targets, std::move(learned)); break;
    case DataKind::kLines:
    case DataKind::kLabelledLines: corpus = load_line_corpus(data, tokenizer, targets, seed, std::move(learned)); break;
    case DataKind::kTable: corpus = load_table_corpus(data, tokenizer, targets, seed, std::move(learned)); break;
    case DataKind::kTagged: corpus = load_tagged_corpus(data, tokenizer, targets, seed, std::move(learned)); break;
    case DataKind::kJsonl: corpus = load_jsonl_corpus(data, targets, seed, std::move(learned)); break;
    case DataKind::kTask: corpus = load_task_corpus(data, targets, seed, std::move(learned)); break;
    case DataKind::kGrammar: corpus = load_grammar_corpus(data, targets, seed, std::move(learned)); break;
    case DataKind::kRandom: corpus = load_random_corpus(data, targets, seed); break;
  }
  corpus.shortest = data.max_length, corpus.longest = 0;
  for (const Dataset* split : {corpus.train.get(), corpus.validation.get(), corpus.test.get()}) {
    if (split == nullptr) continue;
    if (split->size() > int64_t{0xFFFFFFFF})
      fail(ErrorKind::kData, "data.train: {} sequences; at most 2^32 - 1 can be numbered", split->size());
    for (int64_t i = 0; i < split->size(); ++i) {
      const int64_t length = split->length(i) + (prepends_cls(targets) ? 1 : 0);
      corpus.shortest = std::min(corpus.shortest, length);
      corpus.longest = std::max(corpus.longest, length);
    }
  }
  if (asks_for(targets, TargetKind::kValue)) corpus.scale = scale ? *scale : measure_values(*corpus.train);
  return corpus;
}

}  // namespace vitrine
