#include "support/golden.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>

namespace vitrine {
namespace {

template <class Enum>
Enum named(const nlohmann::json& value, const std::map<std::string, Enum>& names) {
  return names.at(value.get<std::string>());
}

}  // namespace

std::vector<int32_t> Golden::whole(const std::string& tensor) const {
  const std::vector<int64_t> values = file.at(tensor).as_int();
  return {values.begin(), values.end()};
}

SafeTensors Golden::below(const std::string& prefix) const {
  SafeTensors out;
  for (NamedTensor tensor : file.tensors)
    if (tensor.name.starts_with(prefix)) {
      tensor.name.erase(0, prefix.size());
      out.tensors.push_back(std::move(tensor));
    }
  return out;
}

Golden read_golden(const std::string& path_below_golden) {
  Golden golden{path_below_golden, read_safetensors(VITRINE_SOURCE_DIR "/tests/golden/" + path_below_golden), {}};
  golden.settings = nlohmann::json::parse(golden.file.metadata.at("settings"));
  return golden;
}

std::vector<Golden> read_goldens(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(VITRINE_SOURCE_DIR "/tests/golden/" + folder))
    names.push_back(folder + "/" + entry.path().filename().string());
  std::sort(names.begin(), names.end());
  std::vector<Golden> goldens;
  for (const std::string& name : names) goldens.push_back(read_golden(name));
  return goldens;
}

ModelSettings golden_model(const nlohmann::json& m) {
  ModelSettings model;
  model.width = m.at("width"), model.layers = m.at("layers"), model.heads = m.at("heads"), model.hidden = m.at("hidden");
  model.activation = named<ActivationKind>(m.at("activation"), {{"gelu", ActivationKind::kGelu},
                                                                {"gelu_tanh", ActivationKind::kGeluTanh},
                                                                {"relu", ActivationKind::kRelu},
                                                                {"silu", ActivationKind::kSilu},
                                                                {"swiglu", ActivationKind::kSwiglu},
                                                                {"geglu", ActivationKind::kGeglu}});
  model.norm.kind = named<NormKind>(m.at("norm").at("kind"), {{"layer", NormKind::kLayer}, {"rms", NormKind::kRms}});
  model.norm.place = named<NormPlace>(m.at("norm").at("place"), {{"pre", NormPlace::kPre}, {"post", NormPlace::kPost}});
  model.norm.epsilon = m.at("norm").at("epsilon");
  model.max_length = m.at("max_length"), model.token_types = m.at("token_types"), model.embedding_norm = m.at("embedding_norm");
  model.position.kind = named<PositionKind>(m.at("position"), {{"none", PositionKind::kNone},
                                                               {"learned", PositionKind::kLearned},
                                                               {"sinusoidal", PositionKind::kSinusoidal},
                                                               {"rotary", PositionKind::kRotary},
                                                               {"alibi", PositionKind::kAlibi},
                                                               {"t5_bias", PositionKind::kT5Bias},
                                                               {"shaw", PositionKind::kShaw},
                                                               {"disentangled", PositionKind::kDisentangled}});
  PositionSettings& position = model.position;
  const nlohmann::json how = m.value("position_settings", nlohmann::json::object());
  position.distance = how.value("distance", position.distance), position.values = how.value("values", position.values);
  position.buckets = how.value("buckets", position.buckets);
  position.max_distance = how.value("max_distance", position.max_distance);
  position.base = how.value("base", position.base), position.width = how.value("width", position.width);
  AttentionSettings& attention = model.attention[0];
  attention.causal = m.at("causal");
  if (m.contains("attention")) {
    const nlohmann::json& a = m.at("attention");
    attention.max_span = a.value("max_span", 0), attention.ramp = a.value("ramp", 32.0);
    attention.k = a.value("k", 0), attention.alpha = a.value("alpha", 1.5);
    attention.kind = named<AttentionKind>(a.at("kind"), {
                                                            {"local", AttentionKind::kLocal},
                                                            {"block_sparse", AttentionKind::kBlockSparse},
                                                            {"top_k", AttentionKind::kTopK},
                                                            {"entmax", AttentionKind::kEntmax},
                                                            {"adaptive_span", AttentionKind::kAdaptiveSpan},
                                                            {"linear", AttentionKind::kLinear},
                                                            {"performer", AttentionKind::kPerformer},
                                                            {"routing", AttentionKind::kRouting},
                                                        });
    attention.window = {a.value("window", int64_t{0})}, attention.block = a.value("block", 16);
    attention.global = a.value("global", 0), attention.stride = a.value("stride", 0);
    attention.clusters = a.value("clusters", attention.clusters);
    attention.features = a.value("features", attention.features);
  }
  return model;
}

ObjectiveSettings golden_objective(const nlohmann::json& o) {
  ObjectiveSettings objective;
  objective.kind = named<ObjectiveKind>(o.at("kind"), {{"masked_lm", ObjectiveKind::kMaskedLm},
                                                       {"causal_lm", ObjectiveKind::kCausalLm},
                                                       {"sequence_classification", ObjectiveKind::kSequenceClassification},
                                                       {"token_classification", ObjectiveKind::kTokenClassification},
                                                       {"multi_label_classification", ObjectiveKind::kMultiLabelClassification},
                                                       {"regression", ObjectiveKind::kRegression}});
  objective.tied = o.at("tied"), objective.transform = o.at("transform"), objective.pooler = o.at("pooler");
  objective.pooling = named<Pooling>(o.at("pooling"), {{"cls", Pooling::kCls}, {"mean", Pooling::kMean}});
  objective.label_smoothing = o.at("label_smoothing"), objective.weight = o.value("weight", 1.0);
  return objective;
}

double golden_error(const std::vector<double>& actual, const std::vector<double>& expected) {
  if (actual.size() != expected.size()) return std::numeric_limits<double>::infinity();
  double largest = 1, difference = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    if (!std::isfinite(actual[i])) return std::numeric_limits<double>::infinity();
    largest = std::max(largest, std::abs(expected[i]));
    difference = std::max(difference, std::abs(actual[i] - expected[i]));
  }
  return difference / largest;
}

}  // namespace vitrine
