#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace vitrine {

// UTF-8 (RFC 3629): one code point and the number of bytes that hold it. A byte that begins no valid sequence is kInvalid, alone.
struct CodePoint {
  static constexpr uint32_t kInvalid = 0xFFFFFFFF;
  uint32_t value;
  uint32_t bytes;
};

CodePoint decode_utf8_tail(std::string_view text, size_t at);  // at < text.size()
inline CodePoint decode_utf8(std::string_view text, size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  return first < 0x80 ? CodePoint{first, 1} : decode_utf8_tail(text, at);
}

size_t write_utf8(char* out, uint32_t code_point);  // 1 to 4 bytes; how many
void append_utf8(std::string& out, uint32_t code_point);
size_t find_invalid_utf8(std::string_view text);  // offset of the first bad byte; npos: all is valid
size_t find_non_ascii(std::string_view text, size_t from = 0);
std::string latin1_to_utf8(std::string_view text);

// Simple lower case of ASCII, Latin-1, Latin Extended-A, Greek and Cyrillic (U+0400 … U+042F); other scripts stay as they are. A
// code point and its lower case have the same number of UTF-8 bytes, so offsets stay valid.
uint32_t lower_case(uint32_t code_point);
void lower_case_utf8(std::string_view text, char* out);  // text.size() bytes

}  // namespace vitrine
