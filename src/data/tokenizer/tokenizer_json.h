#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "data/tokenizer.h"

namespace vitrine {

constexpr const char* kKindNames[] = {"character", "byte", "word", "byte_pair", "word_piece"};  // by TokenizerKind

// tokenizer.json of the first three, one token a line:
//   {"format": "vitrine tokenizer", "version": 1, "kind": "word", "lowercase": true, "tokens": ["[UNK]", "[MASK]", …]}
// `tokens` in the order of their ids, special ones first; none for kind byte.
std::string tokenizer_to_json(TokenizerKind kind, bool lowercase, const std::vector<std::string>& tokens);

}  // namespace vitrine
