#include "data/utf8.h"

#include <cstring>

namespace vitrine {

CodePoint decode_utf8_tail(std::string_view text, size_t at) {
  constexpr CodePoint invalid{CodePoint::kInvalid, 1};
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const auto continues = [&](size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const size_t left = text.size() - at;
  const uint32_t first = byte(0);
  if (first < 0x80) return {first, 1};
  if (first < 0xC2 || first > 0xF4) return invalid;
  if (left < 2 || !continues(1)) return invalid;
  if (first < 0xE0) return {(first & 0x1F) << 6 | (byte(1) & 0x3Fu), 2};
  if (left < 3 || !continues(2)) return invalid;
  if (first < 0xF0) {
    const uint32_t value = (first & 0x0F) << 12 | (byte(1) & 0x3Fu) << 6 | (byte(2) & 0x3Fu);
    const bool surrogate = value >= 0xD800 && value < 0xE000;
    return value < 0x800 || surrogate ? invalid : CodePoint{value, 3};
  }
  if (left < 4 || !continues(3)) return invalid;
  const uint32_t value = (first & 0x07) << 18 | (byte(1) & 0x3Fu) << 12 | (byte(2) & 0x3Fu) << 6 | (byte(3) & 0x3Fu);
  return value < 0x10000 || value > 0x10FFFF ? invalid : CodePoint{value, 4};
}

size_t write_utf8(char* out, uint32_t c) {
  size_t bytes = 0;
  const auto put = [&](uint32_t byte) { out[bytes++] = static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6), put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12), put(0x80 | (c >> 6 & 0x3F)), put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | c >> 18), put(0x80 | (c >> 12 & 0x3F)), put(0x80 | (c >> 6 & 0x3F)), put(0x80 | (c & 0x3F));
  }
  return bytes;
}

void append_utf8(std::string& out, uint32_t code_point) {
  char bytes[4];
  out.append(bytes, write_utf8(bytes, code_point));
}

size_t find_non_ascii(std::string_view text, size_t at) {
  for (; at + 8 <= text.size(); at += 8) {
    uint64_t word;
    std::memcpy(&word, text.data() + at, 8);
    if (word & 0x8080808080808080) break;
  }
  while (at < text.size() && static_cast<unsigned char>(text[at]) < 0x80) ++at;
  return at < text.size() ? at : std::string_view::npos;
}

size_t find_invalid_utf8(std::string_view text) {
  for (size_t at = find_non_ascii(text); at != std::string_view::npos; at = find_non_ascii(text, at)) {
    const CodePoint c = decode_utf8(text, at);
    if (c.value == CodePoint::kInvalid) return at;
    at += c.bytes;
  }
  return std::string_view::npos;
}

std::string latin1_to_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 16);
  for (char c : text) append_utf8(out, static_cast<unsigned char>(c));
  return out;
}

uint32_t lower_case(uint32_t c) {
  const auto within = [c](uint32_t first, uint32_t last) { return c >= first && c <= last; };
  if (c < 0x80) return within('A', 'Z') ? c + 32 : c;
  if (within(0xC0, 0xDE)) return c == 0xD7 ? c : c + 32;                            // × has no case
  if (c == 0x130) return c;                                                         // İ would need two code points
  if (within(0x100, 0x137) || within(0x14A, 0x177)) return c | 1;                   // Ā ā
  if (within(0x139, 0x148) || within(0x179, 0x17E)) return c % 2 == 1 ? c + 1 : c;  // Ĺ ĺ, Ź ź
  if (c == 0x178) return 0xFF;                                                      // Ÿ
  if (within(0x391, 0x3AB)) return c == 0x3A2 ? c : c + 32;                         // Α α
  if (c == 0x386) return 0x3AC;                                                     // Ά
  if (within(0x388, 0x38A)) return c + 37;                                          // Έ Ή Ί
  if (c == 0x38C) return 0x3CC;                                                     // Ό
  if (c == 0x38E || c == 0x38F) return c + 63;                                      // Ύ Ώ
  if (within(0x400, 0x40F)) return c + 80;                                          // Ѐ ѐ
  if (within(0x410, 0x42F)) return c + 32;                                          // А а
  return c;
}

void lower_case_utf8(std::string_view text, char* out) {
  for (size_t at = 0; at < text.size();) {
    const CodePoint c = decode_utf8(text, at);
    if (c.bytes == 1) {
      out[at] = c.value == CodePoint::kInvalid ? text[at] : static_cast<char>(lower_case(c.value));
    } else if (c.bytes == 2) {
      const uint32_t low = lower_case(c.value);
      out[at] = static_cast<char>(0xC0 | low >> 6);
      out[at + 1] = static_cast<char>(0x80 | (low & 0x3F));
    } else {
      std::memcpy(out + at, text.data() + at, c.bytes);
    }
    at += c.bytes;
  }
}

}  // namespace vitrine
