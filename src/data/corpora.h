#pragma once
#include "data/dataset.h"

namespace vitrine {

// The kinds of load_corpus, each in its own file; it completes what they return (lengths).
Corpus load_text_corpus(const DataSettings& data, const TokenizerSettings& tokenizer, const std::vector<TargetSettings>& targets,
                        Learned learned);
Corpus load_line_corpus(const DataSettings& data, const TokenizerSettings& tokenizer, const std::vector<TargetSettings>& targets,
                        uint64_t seed, Learned learned);
Corpus load_tagged_corpus(const DataSettings& data, const TokenizerSettings& tokenizer,
                          const std::vector<TargetSettings>& targets, uint64_t seed, Learned learned);
Corpus load_table_corpus(const DataSettings& data, const TokenizerSettings& tokenizer, const std::vector<TargetSettings>& targets,
                         uint64_t seed, Learned learned);
Corpus load_jsonl_corpus(const DataSettings& data, const std::vector<TargetSettings>& targets, uint64_t seed, Learned learned);
Corpus load_task_corpus(const DataSettings& data, const std::vector<TargetSettings>& targets, uint64_t seed, Learned learned);
Corpus load_random_corpus(const DataSettings& data, const std::vector<TargetSettings>& targets, uint64_t seed);

// Tokens of a sequence without [CLS], which counts within max_length.
inline int64_t token_limit(const DataSettings& data, const std::vector<TargetSettings>& targets) {
  return data.max_length - (prepends_cls(targets) ? 1 : 0);
}

}  // namespace vitrine
