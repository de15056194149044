#include "data/text_file.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "data/utf8.h"

namespace vitrine {
namespace {

int64_t line_at(std::string_view text, size_t offset) { return 1 + std::count(text.begin(), text.begin() + offset, '\n'); }

// UTF-16 without a byte order mark: in European text every second byte is 0.
bool looks_like_utf16(std::string_view text) {
  const size_t size = std::min<size_t>(text.size(), 256) / 2 * 2;
  size_t even = 0, odd = 0;
  for (size_t i = 0; i < size; i += 2) even += text[i] == '\0', odd += text[i + 1] == '\0';
  return size >= 4 && std::max(even, odd) * 2 > size / 2 && std::min(even, odd) == 0;
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

std::string_view check_text(std::string_view text, const std::string& path, Encoding encoding, const TextPlace& place) {
  const bool first = place.offset == 0;
  if (first && (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")))
    fail(ErrorKind::kData,
         "{}: begins with the byte order mark of UTF-16; data.encoding is utf-8 or latin-1\n"
         "help: convert it: iconv -f UTF-16 -t UTF-8 '{}' > utf8.txt",
         path, path);
  const auto line_of = [&](size_t at) { return place.line - 1 + line_at(text, at); };
  if (const size_t nul = text.find('\0'); nul != std::string_view::npos) {
    if (looks_like_utf16(text))
      fail(ErrorKind::kData,
           "{}: looks like UTF-16 without a byte order mark; data.encoding is utf-8 or latin-1\n"
           "help: convert it: iconv -f UTF-16{} -t UTF-8 '{}' > utf8.txt",
           path, nul % 2 == 0 ? "BE" : "LE", path);
    fail(ErrorKind::kData, "{}:{}: a NUL byte at offset {}: this is not a text file", path, line_of(nul), place.offset + nul);
  }
  const bool marked = first && text.starts_with("\xEF\xBB\xBF");
  if (encoding == Encoding::kLatin1) {
    if (marked) fail(ErrorKind::kData, "{}: begins with the byte order mark of UTF-8, but data.encoding is latin-1", path);
    return text;
  }
  if (const size_t bad = find_invalid_utf8(text); bad != std::string_view::npos)
    fail(ErrorKind::kData,
         "{}:{}: byte 0x{:02X} at offset {} is not valid UTF-8\nhelp: if the file is ISO-8859-1, say data.encoding: latin-1",
         path, line_of(bad), static_cast<unsigned char>(text[bad]), place.offset + bad);
  return text.substr(marked ? 3 : 0);
}

TextFile::TextFile(std::string path, Encoding encoding) : path_(std::move(path)), file_(std::make_unique<InputFile>(path_)) {
  decode(file_->bytes(), encoding);
  if (!converted_.empty()) file_.reset();
}

TextFile::TextFile(std::string name, std::string bytes, Encoding encoding)
    : path_(std::move(name)), converted_(is_compressed(bytes) ? decompress(bytes, path_) : std::move(bytes)) {
  decode(converted_, encoding);
}

void TextFile::decode(std::string_view bytes, Encoding encoding) {
  std::string converted;
  text_ = check_text(bytes, path_, encoding);
  if (encoding == Encoding::kLatin1 && find_non_ascii(text_) != std::string_view::npos)
    converted = latin1_to_utf8(text_), text_ = converted;
  if (text_.find("\r\n") != std::string_view::npos) converted = drop_carriage_returns(text_), text_ = converted;
  if (text_.data() == converted.data() && !converted.empty()) converted_ = std::move(converted), text_ = converted_;
}

int64_t TextFile::line_of(size_t offset) const { return line_at(text_, offset); }

}  // namespace vitrine
