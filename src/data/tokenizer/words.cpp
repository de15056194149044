#include "data/tokenizer/words.h"

#include <array>
#include <cstdint>

#include "data/utf8.h"

namespace vitrine {
namespace {

enum Class : uint8_t { kSpace = 0, kPunctuation = 1, kLetter = 2, kDigit = 4, kOther = 8, kWord = kLetter | kDigit | kOther };
enum Joins : uint8_t { kNever = 0, kWords = 1, kDigits = 2 };

struct Tables {
  std::array<uint8_t, 256> type{}, joins{};
};

constexpr Tables make_tables() {
  Tables t;
  for (int c = 0; c < 256; ++c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'), digit = c >= '0' && c <= '9';
    const bool space = c == ' ' || (c >= '\t' && c <= '\r'), graphic = c > ' ' && c < 0x7F;
    t.type[c] = letter ? kLetter : digit ? kDigit : space ? kSpace : graphic ? kPunctuation : kOther;
  }
  for (char c : std::string_view("'-._&")) t.joins[static_cast<uint8_t>(c)] = kWords;
  for (char c : std::string_view(",:/")) t.joins[static_cast<uint8_t>(c)] = kDigits;
  return t;
}
constexpr Tables kTables = make_tables();

// Bytes of the punctuation mark outside ASCII that begins here; 0: none does.
size_t mark_at(std::string_view text, size_t at) {
  const auto first = static_cast<uint8_t>(text[at]);
  if (first != 0xC2 && first != 0xE2 && first != 0xE3) return 0;
  const CodePoint c = decode_utf8(text, at);
  const auto within = [&](uint32_t low, uint32_t high) { return c.value >= low && c.value <= high; };
  const bool latin = c.value == 0xA1 || c.value == 0xAB || c.value == 0xBB || c.value == 0xBF;  // ¡ « » ¿
  const bool general = within(0x2010, 0x2027) || within(0x2030, 0x205E);     // – — ‘ ’ “ ” … ‹ ›
  const bool east_asian = within(0x3001, 0x3003) || within(0x3008, 0x301F);  // 、 。 「 」
  return latin || general || east_asian ? c.bytes : 0;
}

}  // namespace

bool next_word(std::string_view text, size_t& at, size_t& begin) {
  const size_t size = text.size();
  const auto type = [&](size_t i) { return i < size ? kTables.type[static_cast<uint8_t>(text[i])] : uint8_t{kSpace}; };
  const auto word = [&](size_t i) { return (type(i) & kWord) != 0 && (type(i) != kOther || mark_at(text, i) == 0); };
  const auto apostrophe = [&](size_t i) -> size_t {
    return type(i) == kPunctuation ? text[i] == '\'' : text.substr(i, 3) == "\u2019" ? 3 : 0;
  };
  const auto joint = [&](size_t i) -> size_t {  // bytes of what joins the word before it and the one behind it; 0: nothing does
    const size_t bytes = apostrophe(i);
    if (bytes > 0) return word(i + bytes) ? bytes : 0;
    const uint8_t how = kTables.joins[static_cast<uint8_t>(text[i])];
    if (how == kNever || !word(i + 1)) return 0;
    return how == kWords || (type(i - 1) & type(i + 1) & kDigit) ? 1 : 0;
  };

  size_t i = at;
  while (i < size && type(i) == kSpace) ++i;
  begin = at = i;
  if (i == size) return false;

  if (const size_t bytes = apostrophe(i); bytes > 0 && type(i + bytes) == kLetter) {  // 1
    const size_t end = i + bytes + (type(i + bytes + 1) == kLetter ? 2 : 1);
    if (!word(end)) return at = end, true;
  }
  if (type(i) == kLetter && i + 3 < size && text[i + 1] == '.' && type(i + 2) == kLetter && text[i + 3] == '.') {  // 2
    while (type(i) == kLetter && i + 1 < size && text[i + 1] == '.') i += 2;
    if (!word(i)) return at = i, true;
    i = begin;
  }
  if (word(i)) {  // 3
    for (size_t bytes = 0;; i += bytes) {
      while (word(i)) ++i;
      bytes = i < size ? joint(i) : 0;
      if (bytes == 0) return at = i, true;
    }
  }
  const std::string_view mark = text.substr(begin, type(i) == kOther ? mark_at(text, i) : 1);  // 4
  while (text.substr(i, mark.size()) == mark) i += mark.size();
  return at = i, true;
}

}  // namespace vitrine
