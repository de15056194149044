#include "config/yaml_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace vitrine {
namespace {

// Bytes of the UTF-8 character at the beginning of `s`; 0: not valid (RFC 3629, table 3-7 of the Unicode standard).
size_t utf8_length(std::string_view s) {
  const auto byte = [&](size_t i) { return i < s.size() ? static_cast<unsigned char>(s[i]) : 0u; };
  const auto tail = [&](size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const unsigned b = byte(0);
  if (b < 0x80) return 1;
  if (b >= 0xC2 && b <= 0xDF) return tail(1) ? 2 : 0;
  if (b >= 0xE0 && b <= 0xEF) {
    const unsigned low = b == 0xE0 ? 0xA0 : 0x80, high = b == 0xED ? 0x9F : 0xBF;
    return byte(1) >= low && byte(1) <= high && tail(2) ? 3 : 0;
  }
  if (b >= 0xF0 && b <= 0xF4) {
    const unsigned low = b == 0xF0 ? 0x90 : 0x80, high = b == 0xF4 ? 0x8F : 0xBF;
    return byte(1) >= low && byte(1) <= high && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

bool check_characters(const std::string& text, int source, Diagnostics& diagnostics) {
  for (size_t i = 0; i < text.size();) {
    const size_t length = utf8_length(std::string_view(text).substr(i, 4));
    const unsigned byte = static_cast<unsigned char>(text[i]);
    if (length == 0) {
      diagnostics.error({source, i, i + 1}, fmt::format("byte 0x{:02x} is not UTF-8", byte), "save the file as UTF-8");
      return false;
    }
    if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7F) {
      diagnostics.error({source, i, i + 1}, fmt::format("control character 0x{:02x}", byte),
                        byte == 0 ? "is this a text file, saved as UTF-8?" : "remove it");
      return false;
    }
    i += length;
  }
  return true;
}

// One line: where a value may begin, a quote must close on it. `depth` counts open flow brackets, over lines.
bool check_line(const std::string& text, size_t first, size_t last, int& depth, int source, Diagnostics& diagnostics) {
  const size_t content = std::min(text.find_first_not_of(" \t", first), last);
  const size_t tab = first + std::min(std::string_view(text).substr(first, last - first).find('\t'), last - first);
  if (tab < content && content < last && text[content] != '#') {
    diagnostics.error({source, tab, tab + 1}, "a tab in the indentation", "YAML is indented with spaces");
    return false;
  }
  bool may_begin = true;
  for (size_t i = content; i < last; ++i) {
    const char c = text[i];
    const bool spaced = i + 1 >= last || text[i + 1] == ' ' || text[i + 1] == '\t';
    if (c == ' ' || c == '\t') continue;
    if (c == '#' && (i == first || text[i - 1] == ' ' || text[i - 1] == '\t')) {
      return true;
    } else if ((c == '"' || c == '\'') && may_begin) {
      const size_t end = closing_quote(text, i);
      if (end == std::string::npos) {
        diagnostics.error({source, i, i + 1}, unclosed_quote_message(c));
        return false;
      }
      i = end;
      may_begin = false;
    } else if ((c == '[' || c == '{') && (may_begin || depth > 0)) {
      ++depth;
      may_begin = true;
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
      may_begin = false;
    } else {
      may_begin =
          (c == ',' && depth > 0) || (c == ':' && (spaced || depth > 0)) || ((c == '-' || c == '?') && spaced && may_begin);
    }
  }
  return true;
}

}  // namespace

size_t closing_quote(const std::string& text, size_t open) {
  const char quote = text[open];
  for (size_t i = open + 1; i < text.size() && text[i] != '\n'; ++i) {
    const char next = i + 1 < text.size() ? text[i + 1] : '\n';
    if (next != '\n' && (quote == '"' ? text[i] == '\\' : text[i] == quote && next == quote))
      ++i;  // \x, or '' inside '…'
    else if (text[i] == quote)
      return i;
  }
  return std::string::npos;
}

std::string unclosed_quote_message(char quote) {
  return fmt::format("the quote {} that opens here is not closed on its line", quote);
}

bool check_yaml_text(const std::string& text, int source, Diagnostics& diagnostics) {
  if (text.size() > kMaxConfigBytes) {
    diagnostics.error({source, 0, 0}, fmt::format("{} bytes; a configuration has at most {}", text.size(), kMaxConfigBytes));
    return false;
  }
  if (!check_characters(text, source, diagnostics)) return false;
  int depth = 0;
  for (size_t first = 0; first < text.size();) {
    const size_t last = std::min(text.find('\n', first), text.size());
    if (!check_line(text, first, last, depth, source, diagnostics)) return false;
    first = last + 1;
  }
  return true;
}

}  // namespace vitrine
