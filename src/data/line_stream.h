#pragma once
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_stream.h"
#include "data/input_file.h"
#include "data/text_file.h"

namespace vitrine {

// The lines of a file, or of standard input ("-"), in memory that does not grow with it: a block of them at a time, as many as have come
// without waiting and at most 256 KiB, so that one line of a person, or of a slow program, is a block. Lines are UTF-8 without \n or
// \r\n. A gzip or zstd file is decompressed whole. Errors are those of check_text; the lines before a wrong one come first.
class LineStream {
 public:
  LineStream(const std::string& path, Encoding encoding);
  // Valid until the next call. Empty: the end.
  const std::vector<std::string_view>& next();
  int64_t first_line() const { return first_line_; }  // number of the first of them, from 1
  const std::string& name() const { return stream_.name(); }
  bool is_terminal() const { return stream_.is_terminal(); }

  static constexpr size_t kBlock = size_t{1} << 18, kLongestLine = size_t{1} << 24;  // bytes

 private:
  void begin();
  size_t read_more();  // bytes that came
  void fill();         // up to the end of a line
  std::string_view check_lines(std::string_view block);
  void cut(std::string_view block);

  ByteStream stream_;
  std::string path_;
  std::unique_ptr<InputFile> whole_;  // of a compressed file
  std::string_view left_;             // of it
  Encoding encoding_;
  std::string buffer_;  // whole lines, and the beginning of one
  size_t taken_ = 0;    // of the buffer, by the last block
  bool begun_ = false, ended_ = false;
  TextPlace place_;  // of the next block
  int64_t first_line_ = 1;
  std::exception_ptr error_;  // of the line behind the last block
  std::string converted_;
  std::vector<std::string_view> lines_;
};

}  // namespace vitrine
