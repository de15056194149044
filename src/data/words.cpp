#include "data/words.h"

#include <array>
#include <cstdint>

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

}  // namespace

bool next_word(std::string_view text, size_t& at, size_t& begin) {
  const size_t size = text.size();
  const auto type = [&](size_t i) { return i < size ? kTables.type[static_cast<uint8_t>(text[i])] : uint8_t{kSpace}; };
  const auto joins = [&](size_t i) { return kTables.joins[static_cast<uint8_t>(text[i])]; };

  size_t i = at;
  while (i < size && type(i) == kSpace) ++i;
  begin = at = i;
  if (i == size) return false;

  if (text[i] == '\'' && type(i + 1) == kLetter) {  // 1
    const size_t end = i + (type(i + 2) == kLetter ? 3 : 2);
    if (!(type(end) & kWord)) return at = end, true;
  }
  if (type(i) == kLetter && i + 3 < size && text[i + 1] == '.' && type(i + 2) == kLetter && text[i + 3] == '.') {  // 2
    while (type(i) == kLetter && i + 1 < size && text[i + 1] == '.') i += 2;
    if (!(type(i) & kWord)) return at = i, true;
    i = begin;
  }
  if (type(i) & kWord) {  // 3
    while (true) {
      while (type(i) & kWord) ++i;
      if (i >= size || !(type(i + 1) & kWord)) break;
      const uint8_t how = joins(i);
      if (how == kNever || (how == kDigits && !(type(i - 1) & type(i + 1) & kDigit))) break;
      ++i;
    }
    return at = i, true;
  }
  while (i < size && text[i] == text[begin]) ++i;  // 4
  return at = i, true;
}

}  // namespace vitrine
