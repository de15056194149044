#include "data/tokenizer.h"

#include "base/check.h"
#include "data/tokenizer/builders.h"
#include "data/unicode.h"
#include "data/utf8.h"

namespace vitrine {

namespace {

// Where the white space at the end of text[first … last) begins.
size_t white_space_begin(std::string_view text, size_t first, size_t last) {
  while (last > first) {
    size_t at = last - 1;
    while (at > first && (static_cast<uint8_t>(text[at]) & 0xC0) == 0x80) --at;
    const CodePoint c = decode_utf8(text, at);
    if (!is_white_space(c.value) || at + c.bytes != last) break;
    last = at;
  }
  return last;
}

}  // namespace

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
    const size_t begin = special == kMask && mask_takes_space() ? white_space_begin(text, at, next) : next;
    encode(text.substr(at, begin - at), pieces);
    for (size_t i = first; i < pieces.size(); ++i) {
      pieces[i].begin += static_cast<uint32_t>(at);
      pieces[i].end += static_cast<uint32_t>(at);
    }
    if (length > 0) pieces.push_back({special, static_cast<uint32_t>(begin), static_cast<uint32_t>(next + length)});
    at = next + length;
  }
  return pieces;
}

std::unique_ptr<TokenizerBuilder> make_tokenizer_builder(const TokenizerSettings& settings) {
  if (!settings.file.empty()) return make_file_builder(settings);
  switch (settings.kind) {
    case TokenizerKind::kCharacter: return make_character_builder(settings);
    case TokenizerKind::kByte: return make_byte_builder();
    case TokenizerKind::kWord: return make_word_builder(settings);
    case TokenizerKind::kBytePair: return make_byte_pair_builder(settings);
    case TokenizerKind::kWordPiece: return make_word_piece_builder(settings);
  }
  check(false, "every tokenizer kind has a builder");
  return nullptr;
}

}  // namespace vitrine
