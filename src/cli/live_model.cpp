#include "cli/live_model.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "cli/recorder.h"
#include "cli/text_model.h"
#include "inspect/terminal_text.h"

namespace vitrine {
namespace {

using Json = nlohmann::ordered_json;

// IEEE 754 binary16 and back: to the nearest, ties to even.
uint16_t half_of(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  const uint32_t sign = bits >> 16 & 0x8000;
  const float a = std::abs(x);
  if (!(a < 65520)) return static_cast<uint16_t>(sign | 0x7C00);
  if (a < 0x1p-14F) return static_cast<uint16_t>(sign | static_cast<uint32_t>(std::lrint(a * 0x1p24F)));
  return static_cast<uint16_t>(sign | ((bits & 0x7FFFFFFF) + 0xFFF + (bits >> 13 & 1) - (112U << 23)) >> 13);
}
double value_of(uint16_t half) {
  const int exponent = half >> 10 & 31, fraction = half & 1023;
  const double a = exponent > 0 ? std::ldexp(1024 + fraction, exponent - 25) : std::ldexp(fraction, -24);
  return half >> 15 ? -a : a;
}

bool is_runnable(const Config& c, const SafeTensors& model) {
  const AttentionSettings& attention = c.model.attention[0];
  const AttentionKind kind = attention.kind;
  const PositionKind position = c.model.position.kind;
  int64_t parameters = 0;
  for (const NamedTensor& t : model.tensors) parameters += t.count();
  return c.model.attention.size() == 1 && attention.window.size() == 1 &&
         (kind == AttentionKind::kFull || kind == AttentionKind::kLocal) &&
         (position == PositionKind::kNone || position == PositionKind::kLearned || position == PositionKind::kSinusoidal) &&
         (c.tokenizer.kind == TokenizerKind::kWord || c.tokenizer.kind == TokenizerKind::kCharacter) &&
         c.model.token_types == 0 && parameters <= kLiveParameters;
}

const char* name_of(ActivationKind kind) {
  switch (kind) {
    case ActivationKind::kGelu: return "gelu";
    case ActivationKind::kGeluTanh: return "gelu_tanh";
    case ActivationKind::kRelu: return "relu";
    case ActivationKind::kSilu: return "silu";
    case ActivationKind::kSwiglu: return "swiglu";
    case ActivationKind::kGeglu: return "geglu";
  }
  return "";
}

}  // namespace

std::string live_model(const Config& config, const Tokenizer& tokenizer, const Names& names, const LoadedCheckpoint& checkpoint,
                       const std::vector<RecordedSentence>& sentences) {
  if (!is_runnable(config, checkpoint.model)) return {};
  const ModelSettings& m = config.model;
  const ObjectiveSettings& o = config.objectives[0];
  const bool speaks = (o.kind == ObjectiveKind::kMaskedLm && !o.transform) || o.kind == ObjectiveKind::kCausalLm;
  const bool cls = prepends_cls(targets_of(config));
  Json out{{"step", checkpoint.state.step},
           {"tokenizer", config.tokenizer.kind == TokenizerKind::kWord ? "word" : "character"},
           {"lowercase", config.tokenizer.lowercase},
           {"cls", cls},
           {"max_length", config.data.max_length},
           {"objective", !speaks                              ? ""
                         : o.kind == ObjectiveKind::kMaskedLm ? "masked_lm"
                                                              : "causal_lm"},
           {"width", m.width},
           {"layers", m.layers},
           {"heads", m.heads},
           {"activation", name_of(m.activation)},
           {"norm", m.norm.kind == NormKind::kLayer ? "layer" : "rms"},
           {"place", m.norm.place == NormPlace::kPre ? "pre" : "post"},
           {"epsilon", m.norm.epsilon},
           {"embedding_norm", m.embedding_norm},
           {"position", m.position.kind == PositionKind::kLearned      ? "learned"
                        : m.position.kind == PositionKind::kSinusoidal ? "sinusoidal"
                                                                       : "none"},
           {"causal", m.causal()},
           {"window", m.attention[0].kind == AttentionKind::kLocal ? m.attention[0].window[0] : -1},
           {"vocabulary", Json::array()},
           {"parameters", Json::array()}};
  for (int32_t id = 0; id < tokenizer.size(); ++id) out["vocabulary"].push_back(printable(tokenizer.token(id)));
  SafeTensors rounded = checkpoint.model;
  std::string halfs;
  for (NamedTensor& t : rounded.tensors) {
    std::vector<double> values = t.as_double();
    for (double& v : values) {
      const uint16_t half = half_of(static_cast<float>(v));
      halfs += static_cast<char>(half & 0xFF), halfs += static_cast<char>(half >> 8);
      v = value_of(half);
    }
    Json entry{t.name};
    for (const int64_t extent : t.shape) entry.push_back(extent);
    out["parameters"].push_back(std::move(entry));
    t = t.dtype == Dtype::kF64
            ? NamedTensor::of(t.name, t.shape, std::span<const double>(values))
            : NamedTensor::of(t.name, t.shape, std::span<const float>(std::vector<float>(values.begin(), values.end())));
  }
  SentenceReader reader(config, tokenizer, names);
  for (const RecordedSentence& s : sentences) reader.add_tokens(ids_of(s, tokenizer));
  const std::vector<SentenceRecord> exact = reader.read(checkpoint.model), near = reader.read(rounded);
  double error = 0;
  for (size_t k = 0; k < exact.size(); ++k)
    for (size_t i = 0; i < exact[k].maps.weights.size(); ++i)
      error = std::max(error, std::abs(exact[k].maps.weights[i] - near[k].maps.weights[i]));
  out["error"] = error;
  out["weights"] = base64(halfs);
  return out.dump(-1, ' ', true, Json::error_handler_t::replace);
}

}  // namespace vitrine
