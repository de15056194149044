#pragma once
#include <span>
#include <string_view>

#include "layers/settings.h"

// The words that a configuration has for attention and positions, with what each stands for.
namespace vitrine {

template <class T>
struct KindWord {
  std::string_view word;
  T kind;
  std::string_view formula;  // in one line: S = Q Kᵀ/√d of one head, P the weights, O = P V
  std::string_view source;
};
std::span<const KindWord<AttentionKind>> attention_words();  // `causal` is full, too, and comes behind it
std::span<const KindWord<PositionKind>> position_words();

std::string_view name_of(AttentionKind kind);
std::string_view name_of(PositionKind kind);

}  // namespace vitrine
