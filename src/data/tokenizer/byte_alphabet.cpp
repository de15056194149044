#include "data/tokenizer/byte_alphabet.h"

#include <array>

#include "data/utf8.h"

namespace vitrine {
namespace {

struct Alphabet {
  std::array<uint16_t, 256> character{};  // of a byte
  std::array<int16_t, 324> byte{};        // of a character; −1: none
  std::array<uint8_t, 256> rank{};
};

constexpr bool is_itself(int b) { return (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE; }

constexpr Alphabet make_alphabet() {
  Alphabet a;
  a.byte.fill(-1);
  int next = 256, rank = 0;
  for (const bool itself : {true, false})
    for (int b = 0; b < 256; ++b)
      if (is_itself(b) == itself) {
        a.character[b] = static_cast<uint16_t>(itself ? b : next++);
        a.byte[a.character[b]] = static_cast<int16_t>(b);
        a.rank[b] = static_cast<uint8_t>(rank++);
      }
  return a;
}
constexpr Alphabet kAlphabet = make_alphabet();

}  // namespace

uint32_t character_of_byte(uint8_t byte) { return kAlphabet.character[byte]; }
int32_t rank_of_byte(uint8_t byte) { return kAlphabet.rank[byte]; }

std::string bytes_to_characters(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) append_utf8(text, character_of_byte(static_cast<uint8_t>(byte)));
  return text;
}

std::optional<std::string> characters_to_bytes(std::string_view characters) {
  std::string bytes;
  for (size_t at = 0; at < characters.size();) {
    const CodePoint c = decode_utf8(characters, at);
    if (c.value >= kAlphabet.byte.size() || kAlphabet.byte[c.value] < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(kAlphabet.byte[c.value]));
    at += c.bytes;
  }
  return bytes;
}

}  // namespace vitrine
