#include "data/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <vector>

#include "base/check.h"

namespace vitrine {
namespace {

// utf8proc answers Cn for whatever is no code point; its categories stand in the order Cn, L*, M*, N*, P*, S*, Z*, C*.
bool within(uint32_t code, utf8proc_category_t first, utf8proc_category_t last) {
  const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(code));
  return category >= first && category <= last;
}

}  // namespace

bool is_letter(uint32_t code) { return within(code, UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_LO); }
bool is_number(uint32_t code) { return within(code, UTF8PROC_CATEGORY_ND, UTF8PROC_CATEGORY_NO); }
bool is_punctuation(uint32_t code) { return within(code, UTF8PROC_CATEGORY_PC, UTF8PROC_CATEGORY_PO); }
bool is_mark(uint32_t code) { return within(code, UTF8PROC_CATEGORY_MN, UTF8PROC_CATEGORY_ME); }
bool is_nonspacing_mark(uint32_t code) { return within(code, UTF8PROC_CATEGORY_MN, UTF8PROC_CATEGORY_MN); }
bool is_control(uint32_t code) { return within(code, UTF8PROC_CATEGORY_CC, UTF8PROC_CATEGORY_CO); }

int combining_class(uint32_t code) { return utf8proc_get_property(static_cast<utf8proc_int32_t>(code))->combining_class; }

uint32_t unicode_lower_case(uint32_t code) {
  return static_cast<uint32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(code)));
}

std::span<const uint32_t> decompose(uint32_t code, Decomposition& buffer) {
  utf8proc_int32_t parts[std::tuple_size_v<Decomposition>];
  int boundary = 0;
  const utf8proc_ssize_t n =
      utf8proc_decompose_char(static_cast<utf8proc_int32_t>(code), parts, std::ssize(buffer), UTF8PROC_DECOMPOSE, &boundary);
  check(n > 0 && n <= std::ssize(buffer), "a code point has a decomposition of at most 18 code points");
  std::copy_n(parts, n, buffer.begin());
  return {buffer.data(), static_cast<size_t>(n)};
}

size_t compose(std::span<uint32_t> codes) {
  std::vector<utf8proc_int32_t> buffer(codes.begin(), codes.end());
  buffer.push_back(0);  // utf8proc writes a 0 behind the sequence
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE);
  const utf8proc_ssize_t n = utf8proc_normalize_utf32(buffer.data(), std::ssize(codes), options);
  check(n >= 0 && n <= std::ssize(codes), "composing does not make a sequence longer");
  std::copy_n(buffer.begin(), n, codes.begin());
  return static_cast<size_t>(n);
}

bool is_white_space(uint32_t code) {
  if (code < 0x80) return code == ' ' || (code >= '\t' && code <= '\r');
  if (code < 0x2000) return code == 0x85 || code == 0xA0 || code == 0x1680;
  return code <= 0x200A || code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000;
}

}  // namespace vitrine
