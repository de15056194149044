#pragma once
#include <optional>
#include <string>

#include "layers/attention/kinds.h"

// Which kinds of attention work with which positions: what the reader of a configuration refuses, and a table of it.
namespace vitrine {

// What a kind of attention has of its scores, and so what positions can act on.
enum class ScoreForm {
  kEither,    // stored [T,T], or tile by tile where `implementation: fused` says so
  kStored,    // stored
  kTiles,     // tile by tile, with a bias by offset of its own
  kClusters,  // inside clusters of normalised queries and keys
  kFeatures,  // none: products of feature maps φ(q), φ(k)
};
ScoreForm form_of(AttentionKind kind);

// Why a pair does not work: "<position> <reason> `<key>: <its value>`", and what to use instead.
struct Unfit {
  std::string key, reason, instead;
};
std::optional<Unfit> unfit(ScoreForm form, AttentionImplementation implementation, PositionKind position);
inline std::optional<Unfit> unfit(const AttentionSettings& attention, PositionKind position) {
  return unfit(form_of(attention.kind), attention.implementation, position);
}

// All pairs, as a table in Markdown with the reasons below.
std::string pairs_table();

}  // namespace vitrine
