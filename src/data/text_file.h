#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "data/input_file.h"
#include "data/settings.h"

namespace vitrine {

// Where a part of a text begins in it: its line, from 1, and byte.
struct TextPlace {
  int64_t line = 1;
  size_t offset = 0;
};
// A text, or a part of one, without its byte order mark. Error{kData}, with file, line and byte offset, for bytes that are not valid in
// the encoding, for UTF-16, and for NUL bytes, which no text has.
std::string_view check_text(std::string_view text, const std::string& path, Encoding encoding, const TextPlace& place = {});

// A text file as UTF-8 with \n at the ends of lines. It is mapped, and costs no memory, unless it has to be decompressed
// (data/input_file.h) or converted (latin-1, or \r\n), which makes a copy. A byte order mark is dropped. Errors are those
// of check_text.
class TextFile {
 public:
  TextFile(std::string path, Encoding encoding);
  TextFile(std::string name, std::string bytes, Encoding encoding);  // not of the disk
  TextFile(const TextFile&) = delete;
  TextFile& operator=(const TextFile&) = delete;

  const std::string& path() const { return path_; }
  std::string_view text() const { return text_; }
  bool holds(const char* place) const { return place >= text_.data() && place <= text_.data() + text_.size(); }
  int64_t line_of(size_t offset) const;  // counts from 1

 private:
  void decode(std::string_view bytes, Encoding encoding);

  std::string path_;
  std::unique_ptr<InputFile> file_;  // none once converted
  std::string converted_;
  std::string_view text_;
};

}  // namespace vitrine
