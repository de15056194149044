#pragma once
#include <cstddef>
#include <string>

#include "base/error.h"

namespace vitrine {

// Bytes that come one after the other: of a file, a pipe or a terminal, or of standard input, which is called "-". Error{kind} with path
// and reason.
class ByteStream {
 public:
  explicit ByteStream(const std::string& path, ErrorKind kind = ErrorKind::kData);
  ~ByteStream();
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  size_t read(char* out, size_t most);  // how many came, waiting for the first; 0: the end
  bool ready() const;                   // read would not wait
  bool is_terminal() const;
  const std::string& name() const { return name_; }  // for messages

 private:
  std::string name_;
  ErrorKind kind_;
  int descriptor_;
};

}  // namespace vitrine
