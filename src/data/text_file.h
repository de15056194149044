#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/file.h"
#include "data/settings.h"

namespace vitrine {

// A text file as UTF-8 with \n at the ends of lines. It is mapped, and costs no memory, unless it has to be converted (latin-1, or
// \r\n). A byte order mark is dropped. Error{kData}, with file, line and byte offset, for bytes that are not valid in the encoding
// and for NUL bytes, which no text has.
class TextFile {
 public:
  TextFile(std::string path, Encoding encoding);
  TextFile(const TextFile&) = delete;
  TextFile& operator=(const TextFile&) = delete;

  const std::string& path() const { return path_; }
  std::string_view text() const { return text_; }
  int64_t line_of(size_t offset) const;  // counts from 1

 private:
  std::string path_;
  MappedFile file_;
  std::string converted_;
  std::string_view text_;
};

}  // namespace vitrine
