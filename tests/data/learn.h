#pragma once
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "data/tokenizer.h"
#include "support/catch.h"

namespace vitrine {

inline std::unique_ptr<Tokenizer> learn(const TokenizerSettings& settings, const std::vector<std::string_view>& texts) {
  const auto builder = make_tokenizer_builder(settings);
  for (std::string_view text : texts) builder->add(text);
  return builder->build();
}

inline std::vector<int32_t> ids(const std::vector<Piece>& pieces) {
  std::vector<int32_t> out;
  for (const Piece& p : pieces) out.push_back(p.id);
  return out;
}

inline std::vector<Piece> pieces_of(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<Piece> pieces;
  tokenizer.encode(text, pieces);
  return pieces;
}

inline std::vector<std::string> names_of(const Tokenizer& tokenizer, const std::vector<Piece>& pieces) {
  std::vector<std::string> out;
  for (const Piece& p : pieces) out.emplace_back(tokenizer.token(p.id));
  return out;
}

inline std::vector<std::string> tokens(const Tokenizer& tokenizer) {
  std::vector<std::string> out;
  for (int32_t id = Tokenizer::kSpecialCount; id < tokenizer.size(); ++id) out.emplace_back(tokenizer.token(id));
  return out;
}

// A text, cut at the end of any part, has the same pieces; so has its beginning up to any number of them.
inline void check_parts(const Tokenizer& tokenizer, std::string_view text) {
  const std::vector<Piece> pieces = pieces_of(tokenizer, text);
  std::vector<Piece> again, part;
  for (size_t at = 0; at < text.size();) {
    const std::string_view rest = text.substr(at);
    size_t bytes = 0;
    part.clear();
    tokenizer.encode_part(rest, bytes, part);
    REQUIRE(bytes > 0);
    for (const Piece& p : part) again.push_back({p.id, p.begin + static_cast<uint32_t>(at), p.end + static_cast<uint32_t>(at)});
    at += bytes;
  }
  REQUIRE(again == pieces);
  for (const int64_t limit : {0, 1, 5, 1000}) {
    part.clear();
    tokenizer.encode(text, part, limit);
    again = pieces;
    again.resize(std::min<size_t>(again.size(), static_cast<size_t>(limit)));
    REQUIRE(part == again);
  }
}

// Letters, punctuation and spaces of one to four bytes; with `bad`, also bytes that are not UTF-8.
inline std::string random_text(std::mt19937& random, int length, bool bad) {
  static const char* const parts[] = {"a", "B", "7", "é", "Ж",  "語", "😀",  " ", "\n", "\t",
                                      ".", ",", "'", "-", "``", "(",  "\"", ":", "_",  "\x01"};
  std::string text;
  for (int i = 0; i < length; ++i)
    text += bad && random() % 8 == 0 ? std::string(1, static_cast<char>(random())) : parts[random() % std::size(parts)];
  return text;
}

}  // namespace vitrine
