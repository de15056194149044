#pragma once
#include <cstdint>
#include <map>
#include <string>

namespace vitrine {

// The `model:` and `objective:` sections of a configuration. Names of the enumerators are those of the file.
enum class ActivationKind { kGelu, kGeluTanh, kRelu, kSilu, kSwiglu, kGeglu };
enum class NormKind { kLayer, kRms };
enum class NormPlace { kPre, kPost };
enum class PositionKind { kNone, kLearned, kSinusoidal };
enum class AttentionKind { kFull };  // which keys may be seen and how weights come from scores
enum class AttentionImplementation { kAuto, kDense };

struct NormSettings {
  NormKind kind = NormKind::kLayer;
  NormPlace place = NormPlace::kPre;
  double epsilon = 1e-5;
};
struct DropoutSettings {  // rates, by place
  double embedding = 0, attention = 0, residual = 0, hidden = 0;
};
struct PositionSettings {
  PositionKind kind = PositionKind::kLearned;
};
struct AttentionSettings {
  AttentionKind kind = AttentionKind::kFull;
  bool causal = false;
  AttentionImplementation implementation = AttentionImplementation::kAuto;
};
struct ModelSettings {
  int64_t width = 128, layers = 2, heads = 4, hidden = 512;
  ActivationKind activation = ActivationKind::kGelu;
  NormSettings norm;
  DropoutSettings dropout;
  int64_t max_length = 0;       // rows of the position table; 0: data.max_length
  int64_t token_types = 0;      // rows of the token-type table; 0: none
  bool embedding_norm = false;  // a norm right after the embedding, as BERT has
  PositionSettings position;
  AttentionSettings attention;
  std::string initialize_from;  // a run directory or a safetensors file
};

enum class ObjectiveKind { kMaskedLm, kCausalLm, kSequenceClassification };
enum class Pooling { kCls, kMean };

struct ObjectiveSettings {
  ObjectiveKind kind = ObjectiveKind::kMaskedLm;
  double rate = 0.15;      // masked_lm: share of predicted tokens
  bool tied = true;        // language models: the head uses the token embedding as its weight
  bool transform = false;  // masked_lm: BERT's dense + gelu + norm before the head
  Pooling pooling = Pooling::kMean;
  bool pooler = false;  // classification: BERT's dense + tanh before the classifier
  double label_smoothing = 0;
  std::map<std::string, double> class_weights;  // by label; those not named weigh 1
  int64_t classes = 0;                          // only with random data
};

}  // namespace vitrine
