#include "data/tokenizer.h"

#include "base/check.h"
#include "data/tokenizer/builders.h"

namespace vitrine {

void Tokenizer::encode(std::string_view text, std::vector<Piece>& out, int64_t limit) const {
  const size_t first = out.size();
  const size_t most = static_cast<uint64_t>(limit) < out.max_size() - first ? first + static_cast<size_t>(limit) : out.max_size();
  for (size_t at = 0; at < text.size() && out.size() < most;) encode_part(text, at, out);
  if (out.size() > most) out.resize(most);
}

std::vector<Piece> Tokenizer::encode_with_masks(std::string_view text) const {
  std::vector<Piece> pieces;
  for (size_t at = 0; at < text.size();) {
    size_t next = text.size(), length = 0;
    int32_t special = kUnknown;
    for (int32_t id : {kMask, kCls, kSep}) {
      const size_t found = text.find(kSpecialNames[id], at);
      if (found < next) next = found, length = kSpecialNames[id].size(), special = id;
    }
    const size_t first = pieces.size();
    encode(text.substr(at, next - at), pieces);
    for (size_t i = first; i < pieces.size(); ++i) {
      pieces[i].begin += static_cast<uint32_t>(at);
      pieces[i].end += static_cast<uint32_t>(at);
    }
    if (length > 0) pieces.push_back({special, static_cast<uint32_t>(next), static_cast<uint32_t>(next + length)});
    at = next + length;
  }
  return pieces;
}

std::unique_ptr<TokenizerBuilder> make_tokenizer_builder(const TokenizerSettings& settings) {
  switch (settings.kind) {
    case TokenizerKind::kCharacter: return make_character_builder(settings);
    case TokenizerKind::kByte: return make_byte_builder();
    case TokenizerKind::kWord: return make_word_builder(settings);
  }
  check(false, "every tokenizer kind has a builder");
  return nullptr;
}

}  // namespace vitrine
