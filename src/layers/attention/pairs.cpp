#include "layers/attention/pairs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <vector>

namespace vitrine {
namespace {

constexpr AttentionKind kKinds[] = {AttentionKind::kFull,   AttentionKind::kLocal,     AttentionKind::kBlockSparse,
                                    AttentionKind::kTopK,   AttentionKind::kEntmax,    AttentionKind::kAdaptiveSpan,
                                    AttentionKind::kLinear, AttentionKind::kPerformer, AttentionKind::kRouting};
constexpr PositionKind kPositions[] = {PositionKind::kNone,   PositionKind::kLearned,     PositionKind::kSinusoidal,
                                       PositionKind::kRotary, PositionKind::kAlibi,       PositionKind::kT5Bias,
                                       PositionKind::kShaw,   PositionKind::kDisentangled};

bool in_embedding(PositionKind p) {
  return p == PositionKind::kNone || p == PositionKind::kLearned || p == PositionKind::kSinusoidal;
}

}  // namespace

ScoreForm form_of(AttentionKind kind) {
  switch (kind) {
    case AttentionKind::kFull:
    case AttentionKind::kLocal:
    case AttentionKind::kBlockSparse: return ScoreForm::kEither;
    case AttentionKind::kTopK:
    case AttentionKind::kEntmax: return ScoreForm::kStored;
    case AttentionKind::kAdaptiveSpan: return ScoreForm::kTiles;
    case AttentionKind::kRouting: return ScoreForm::kClusters;
    case AttentionKind::kLinear:
    case AttentionKind::kPerformer: return ScoreForm::kFeatures;
  }
  return ScoreForm::kFeatures;
}

std::string_view name_of(AttentionKind kind) {
  switch (kind) {
    case AttentionKind::kFull: return "full";
    case AttentionKind::kLocal: return "local";
    case AttentionKind::kBlockSparse: return "block_sparse";
    case AttentionKind::kTopK: return "top_k";
    case AttentionKind::kEntmax: return "entmax";
    case AttentionKind::kAdaptiveSpan: return "adaptive_span";
    case AttentionKind::kLinear: return "linear";
    case AttentionKind::kPerformer: return "performer";
    case AttentionKind::kRouting: return "routing";
  }
  return "";
}

std::string_view name_of(PositionKind kind) {
  switch (kind) {
    case PositionKind::kNone: return "none";
    case PositionKind::kLearned: return "learned";
    case PositionKind::kSinusoidal: return "sinusoidal";
    case PositionKind::kRotary: return "rotary";
    case PositionKind::kAlibi: return "alibi";
    case PositionKind::kT5Bias: return "t5_bias";
    case PositionKind::kShaw: return "shaw";
    case PositionKind::kDisentangled: return "disentangled";
  }
  return "";
}

std::optional<Unfit> unfit(ScoreForm form, AttentionImplementation implementation, PositionKind position) {
  if (in_embedding(position)) return {};
  const bool in_rows = position == PositionKind::kShaw || position == PositionKind::kDisentangled;  // terms of rows and offsets
  const auto because = [position](const char* reason) { return fmt::format("{} {}", name_of(position), reason); };
  if (form == ScoreForm::kFeatures)
    return Unfit{"model.attention.kind",
                 because(position == PositionKind::kRotary
                             ? "makes shifts count if it turns before the feature map, and weights negative if behind it, with"
                             : "adds to scores, and there are none with"),
                 "use learned or sinusoidal"};
  if (form == ScoreForm::kClusters)
    return Unfit{"model.attention.kind", because("belongs to pairs of places, and clusters are made of what tokens hold, with"),
                 "use learned or sinusoidal"};
  if (form == ScoreForm::kTiles && position != PositionKind::kRotary)
    return Unfit{
        "model.attention.kind",
        because(in_rows ? "needs stored scores, and there are none with" : "is a bias by offset, and one is there already with"),
        "use rotary, learned or sinusoidal"};
  if (form == ScoreForm::kEither && implementation == AttentionImplementation::kFused && in_rows)
    return Unfit{"model.attention.implementation", because("needs stored scores, and there are none with"),
                 "use `implementation: dense` or auto, or rotary, alibi or t5_bias"};
  return {};
}

std::string pairs_table() {
  std::string out = "| |";
  for (const PositionKind p : kPositions) out += fmt::format(" {} |", name_of(p));
  out += "\n|---|";
  for (size_t k = 0; k < std::size(kPositions); ++k) out += "---|";
  std::map<std::string, std::vector<std::string>> reasons;  // what is said of several schemes, once
  for (const AttentionKind a : kKinds) {
    out += fmt::format("\n| `{}` |", name_of(a));
    for (const PositionKind p : kPositions) {
      const auto never = unfit({.kind = a}, p), fused = unfit({.kind = a, .implementation = AttentionImplementation::kFused}, p);
      out += never ? " no |" : fused ? " not fused |" : " yes |";
      if (!fused) continue;
      const std::string name(name_of(p)), value(never ? name_of(a) : "fused");
      auto& names =
          reasons[fmt::format("{} `{}: {}`: {}", fused->reason.substr(name.size() + 1), fused->key, value, fused->instead)];
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  out += "\n\n";
  for (const auto& [reason, names] : reasons) out += fmt::format("- {}: {}.\n", fmt::join(names, ", "), reason);
  return out;
}

}  // namespace vitrine
