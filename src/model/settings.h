#pragma once
#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "layers/settings.h"

namespace vitrine {

// The `model:` and `objective:` sections of a configuration.
struct ModelSettings {
  int64_t width = 128, layers = 2, heads = 4, hidden = 512;
  ActivationKind activation = ActivationKind::kGelu;
  NormSettings norm;
  DropoutSettings dropout;
  int64_t max_length = 0;       // rows of the position table; 0: data.max_length
  int64_t token_types = 0;      // rows of the token-type table; 0: none
  bool embedding_norm = false;  // a norm right after the embedding, as BERT has
  PositionSettings position;
  std::vector<AttentionSettings> attention{1};  // of every block, or one for each
  std::string initialize_from;                  // a run directory or a safetensors file
  const AttentionSettings& attention_of(int64_t block) const {
    return attention[attention.size() > 1 ? static_cast<size_t>(block) : 0];
  }
  // No token knows of those behind it; where only some blocks are causal, the others let it know.
  bool causal() const {
    return std::all_of(attention.begin(), attention.end(), [](const AttentionSettings& a) { return a.causal; });
  }
  bool operator==(const ModelSettings&) const = default;
};

enum class ObjectiveKind {
  kMaskedLm,
  kCausalLm,
  kSequenceClassification,
  kTokenClassification,
  kMultiLabelClassification,
  kRegression
};
enum class Pooling { kCls, kMean };

struct ObjectiveSettings {
  ObjectiveKind kind = ObjectiveKind::kMaskedLm;
  double weight = 1;       // of its loss beside those of other heads
  double rate = 0.15;      // masked_lm: share of predicted tokens
  bool tied = true;        // language models: the head uses the token embedding as its weight
  bool transform = false;  // masked_lm: BERT's dense + gelu + norm before the head
  Pooling pooling = Pooling::kMean;
  bool pooler = false;  // classification: BERT's dense + tanh before the classifier
  double label_smoothing = 0;
  std::map<std::string, double> class_weights;  // by label; those not named weigh 1
  int64_t classes = 0;                          // only with random data
  bool operator==(const ObjectiveSettings&) const = default;
};

}  // namespace vitrine
