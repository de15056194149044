#include "data/tokenizer/pretokens.h"

#include <array>
#include <cstdint>

#include "data/unicode.h"
#include "data/utf8.h"

namespace vitrine {
namespace {

enum class Class : uint8_t { kSpace, kLetter, kNumber, kOther };

Class class_of(uint32_t code) {
  return is_white_space(code) ? Class::kSpace
         : is_letter(code)    ? Class::kLetter
         : is_number(code)    ? Class::kNumber
                              : Class::kOther;
}

constexpr std::array<Class, 128> make_ascii() {
  std::array<Class, 128> classes{};
  for (int c = 0; c < 128; ++c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool space = c == ' ' || (c >= '\t' && c <= '\r');
    classes[c] = space ? Class::kSpace : letter ? Class::kLetter : c >= '0' && c <= '9' ? Class::kNumber : Class::kOther;
  }
  return classes;
}
constexpr std::array<Class, 128> kAscii = make_ascii();

// The class of the character at `at`, and its bytes.
Class class_at(std::string_view text, size_t at, size_t& bytes) {
  const auto first = static_cast<uint8_t>(text[at]);
  if (first < 0x80) return bytes = 1, kAscii[first];
  const CodePoint c = decode_utf8(text, at);
  bytes = c.bytes;
  return class_of(c.value);
}

// The end of the run of one class that begins at `at`, at most at `limit`; `last` is where its last character begins.
size_t run_end(std::string_view text, size_t at, size_t limit, Class type, size_t& last) {
  for (size_t bytes = 0; at < text.size() && class_at(text, at, bytes) == type && at + bytes <= limit; at += bytes) last = at;
  return at;
}

// Bytes of a clitic with its apostrophe; 0: none begins here.
size_t clitic_at(std::string_view text, size_t at) {
  if (text[at] != '\'') return 0;
  const std::string_view rest = text.substr(at + 1, 2);
  for (const std::string_view clitic : {"s", "t", "re", "ve", "m", "ll", "d"})
    if (rest.starts_with(clitic)) return 1 + clitic.size();
  return 0;
}

}  // namespace

size_t pretoken_end(std::string_view text, size_t at) {
  if (const size_t bytes = clitic_at(text, at)) return at + bytes;
  const size_t limit = at + kLongestPretoken;
  size_t bytes = 0, last = at;
  const size_t first = text[at] == ' ' && at + 1 < text.size() ? at + 1 : at;  // behind the one space that a word may carry
  const Class type = class_at(text, first, bytes);
  if (type != Class::kSpace) return run_end(text, first, limit, type, last);
  const size_t end = run_end(text, at, limit, Class::kSpace, last);
  // White space leaves its last character to the word behind it, unless it is all there is.
  const bool word_follows = end < text.size() && class_at(text, end, bytes) != Class::kSpace;
  return word_follows && last > at ? last : end;
}

}  // namespace vitrine
