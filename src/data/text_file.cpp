#include "data/text_file.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "data/utf8.h"

namespace vitrine {
namespace {

int64_t line_at(std::string_view text, size_t offset) { return 1 + std::count(text.begin(), text.begin() + offset, '\n'); }

// Without the byte order mark.
std::string_view check_bytes(std::string_view text, const std::string& path, Encoding encoding) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF"))
    fail(ErrorKind::kData,
         "{}: begins with the byte order mark of UTF-16; data.encoding is utf-8 or latin-1\nhelp: iconv -f UTF-16 -t UTF-8",
         path);
  if (const size_t nul = text.find('\0'); nul != std::string_view::npos)
    fail(ErrorKind::kData, "{}:{}: a NUL byte at offset {}: this is not a text file", path, line_at(text, nul), nul);
  const bool marked = text.starts_with("\xEF\xBB\xBF");
  if (encoding == Encoding::kLatin1) {
    if (marked) fail(ErrorKind::kData, "{}: begins with the byte order mark of UTF-8, but data.encoding is latin-1", path);
    return text;
  }
  if (const size_t bad = find_invalid_utf8(text); bad != std::string_view::npos)
    fail(ErrorKind::kData,
         "{}:{}: byte 0x{:02X} at offset {} is not valid UTF-8\nhelp: if the file is ISO-8859-1, say data.encoding: latin-1",
         path, line_at(text, bad), static_cast<unsigned char>(text[bad]), bad);
  return text.substr(marked ? 3 : 0);
}

std::string drop_carriage_returns(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const size_t next = std::min(text.find("\r\n", at), text.size());
    out.append(text, at, next - at);
    at = next == text.size() ? next : next + 1;
  }
  return out;
}

}  // namespace

TextFile::TextFile(std::string path, Encoding encoding) : path_(std::move(path)), file_(path_) {
  text_ = check_bytes(file_.text(), path_, encoding);
  if (encoding == Encoding::kLatin1 && find_non_ascii(text_) != std::string_view::npos)
    converted_ = latin1_to_utf8(text_), text_ = converted_;
  if (text_.find("\r\n") != std::string_view::npos) converted_ = drop_carriage_returns(text_), text_ = converted_;
}

int64_t TextFile::line_of(size_t offset) const { return line_at(text_, offset); }

}  // namespace vitrine
