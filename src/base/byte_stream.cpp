#include "base/byte_stream.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"

namespace vitrine {
namespace {

int open_for_reading(const std::string& path) {
  if (path == "-") return STDIN_FILENO;
  int descriptor;
  do {
    descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  } while (descriptor < 0 && errno == EINTR);
  return descriptor;
}

}  // namespace

ByteStream::ByteStream(const std::string& path, ErrorKind kind)
    : name_(path == "-" ? "standard input" : path), kind_(kind), descriptor_(open_for_reading(path)) {
  if (descriptor_ < 0) fail_on_file("read", name_, errno, kind_);
}

ByteStream::~ByteStream() {
  if (descriptor_ > STDIN_FILENO) ::close(descriptor_);
}

size_t ByteStream::read(char* out, size_t most) {
  while (true) {
    const ssize_t n = ::read(descriptor_, out, most);
    if (n >= 0) return static_cast<size_t>(n);
    if (errno != EINTR) fail_on_file("read", name_, errno, kind_);
  }
}

bool ByteStream::ready() const {
  pollfd stream{descriptor_, POLLIN, 0};
  return ::poll(&stream, 1, 0) > 0;
}

bool ByteStream::is_terminal() const { return ::isatty(descriptor_) == 1; }

}  // namespace vitrine
