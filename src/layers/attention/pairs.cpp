#include "layers/attention/pairs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <vector>

namespace vitrine {
namespace {

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
  std::string out = "| |", line = "\n|---|";
  for (const auto& p : position_words()) out += fmt::format(" {} |", p.word), line += "---|";
  out += line;
  std::map<std::string, std::vector<std::string>> reasons;  // what is said of several schemes, once
  for (const auto& [word, a, formula, source] : attention_words()) {
    if (word != name_of(a)) continue;  // causal goes with what full goes with
    out += fmt::format("\n| `{}` |", word);
    for (const auto& p : position_words()) {
      const auto never = unfit({.kind = a}, p.kind),
                 fused = unfit({.kind = a, .implementation = AttentionImplementation::kFused}, p.kind);
      out += never ? " no |" : fused ? " not fused |" : " yes |";
      if (!fused) continue;
      auto& names = reasons[fmt::format("{} `{}: {}`: {}", fused->reason.substr(p.word.size() + 1), fused->key,
                                        never ? word : "fused", fused->instead)];
      if (std::find(names.begin(), names.end(), p.word) == names.end()) names.emplace_back(p.word);
    }
  }
  out += "\n\n";
  for (const auto& [reason, names] : reasons) out += fmt::format("- {}: {}.\n", fmt::join(names, ", "), reason);
  return out;
}

}  // namespace vitrine
