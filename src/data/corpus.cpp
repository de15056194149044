#include <algorithm>
#include <utility>

#include "base/error.h"
#include "data/corpora.h"
#include "data/grammar.h"

namespace vitrine {
namespace {

void check_settings(const DataSettings& data, const TokenizerSettings& tokenizer, const TargetSettings& target) {
  if (tokenizer.kind == TokenizerKind::kByte && tokenizer.lowercase)
    fail(ErrorKind::kConfig, "tokenizer.lowercase: kind byte has all 256 bytes and changes none");
  if (token_limit(data, target) < 1)
    fail(ErrorKind::kConfig, "data.max_length: {} leaves no room for a token{}", data.max_length,
         target.prepend_cls ? " beside [CLS]" : "");
  const auto is_share = [](double x) { return x >= 0 && x < 1; };
  const double validation = data.validation.path.empty() ? data.validation.share : 0;
  const double test = data.test.path.empty() ? data.test.share : 0;
  if (!is_share(validation) || !is_share(test) || validation + test >= 1)
    fail(ErrorKind::kConfig, "data.validation and data.test: shares {} and {} leave nothing of the training file to train on",
         validation, test);
  const bool labelled = data.kind == DataKind::kLabelledLines || (data.kind == DataKind::kRandom && data.classes >= 2);
  if (target.kind == TargetKind::kLabel && !labelled)
    fail(ErrorKind::kConfig,
         "objective.kind: sequence_classification needs labels, and this kind of data has none\n"
         "help: data.kind: labelled_lines (or, for random data, objective.classes)");
}

}  // namespace

void Example::clear() {
  tokens.clear(), types.clear(), pieces.clear();
  label = next = masked = -1;
}

const Dataset* Corpus::split(const std::string& name) const {
  return name == "train" ? train.get() : name == "validation" ? validation.get() : name == "test" ? test.get() : nullptr;
}

Corpus load_corpus(const DataSettings& data, const TokenizerSettings& tokenizer, const TargetSettings& target, uint64_t seed,
                   Learned learned) {
  check_settings(data, tokenizer, target);
  Corpus corpus;
  switch (data.kind) {
    case DataKind::kText: corpus = load_text_corpus(data, tokenizer, target, std::move(learned)); break;
    case DataKind::kLines:
    case DataKind::kLabelledLines: corpus = load_line_corpus(data, tokenizer, target, seed, std::move(learned)); break;
    case DataKind::kGrammar: corpus = load_grammar_corpus(data, target, seed, std::move(learned)); break;
    case DataKind::kRandom: corpus = load_random_corpus(data, target, seed); break;
  }
  corpus.shortest = data.max_length, corpus.longest = 0;
  for (const Dataset* split : {corpus.train.get(), corpus.validation.get(), corpus.test.get()}) {
    if (split == nullptr) continue;
    if (split->size() > int64_t{0xFFFFFFFF})
      fail(ErrorKind::kData, "data.train: {} sequences; at most 2^32 - 1 can be numbered", split->size());
    for (int64_t i = 0; i < split->size(); ++i) {
      const int64_t length = split->length(i) + (target.prepend_cls ? 1 : 0);
      corpus.shortest = std::min(corpus.shortest, length);
      corpus.longest = std::max(corpus.longest, length);
    }
  }
  return corpus;
}

}  // namespace vitrine
