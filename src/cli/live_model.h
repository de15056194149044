#pragma once
#include <string>
#include <vector>

#include "cli/session.h"
#include "inspect/recording.h"

namespace vitrine {

// A model as the page can run it, as JSON: its parameters as float16, its vocabulary, what its forward pass must know, and how far the
// rounding moves α on these sentences, measured. Empty where the page cannot: full, causal and local attention of models without relative
// positions or token types, word and character tokenizers, at most kLiveParameters.
constexpr int64_t kLiveParameters = 2'000'000;
std::string live_model(const Config& config, const Tokenizer& tokenizer, const Names& names, const LoadedCheckpoint& checkpoint,
                       const std::vector<RecordedSentence>& sentences);

}  // namespace vitrine
