#include "base/system_calls.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace vitrine {
namespace {

struct Failpoint {
  std::atomic<int64_t> calls = 0, at = 0;
  std::atomic<Failure> failure = Failure::kInputOutput;

  Failpoint() {
    const char* text = std::getenv("VITRINE_FAILPOINT");
    if (text == nullptr) return;
    char* end = nullptr;
    at = std::strtoll(text, &end, 10);
    const std::string_view kind = end;
    if (kind == ":kill") failure = Failure::kKillBefore;
    if (kind == ":kill_after") failure = Failure::kKillAfter;
    if (kind == ":enospc") failure = Failure::kDiskFull;
    if (kind == ":short") failure = Failure::kShortWrite;
  }
};
Failpoint failpoint;

template <class F>
auto call(F f) -> decltype(f()) {
  const bool here = ++failpoint.calls == failpoint.at;
  const Failure failure = failpoint.failure;
  if (here && failure == Failure::kKillBefore) ::kill(::getpid(), SIGKILL);
  if (here && (failure == Failure::kDiskFull || failure == Failure::kInputOutput || failure == Failure::kNotSupported)) {
    errno = failure == Failure::kDiskFull ? ENOSPC : failure == Failure::kInputOutput ? EIO : EINVAL;
    return -1;
  }
  decltype(f()) result;
  do {
    result = f();
  } while (result < 0 && errno == EINTR);
  if (here && failure == Failure::kKillAfter) ::kill(::getpid(), SIGKILL);
  return result;
}

bool next_call_is_short() { return failpoint.failure == Failure::kShortWrite && failpoint.calls + 1 == failpoint.at; }

}  // namespace

void set_failpoint(int64_t at, Failure failure) {
  failpoint.calls = 0;
  failpoint.failure = failure;
  failpoint.at = at;
}
int64_t calls_since_failpoint() { return failpoint.calls; }

namespace system_calls {

int open_for_writing(const std::string& path, int flags) {
  return call([&] { return ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0666); });
}
int open_directory(const std::string& path) {
  return call([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
}
ssize_t write(int descriptor, const char* bytes, size_t count) {
  if (next_call_is_short()) count = (count + 1) / 2;
  return call([&] { return ::write(descriptor, bytes, count); });
}
int fsync(int descriptor) {
  return call([&] { return ::fsync(descriptor); });
}
int rename(const std::string& from, const std::string& to) {
  return call([&] { return std::rename(from.c_str(), to.c_str()); });
}
int exchange(const std::string& a, const std::string& b) {
  return call([&] { return ::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE); });
}
int mkdir(const std::string& path) {
  return call([&] { return ::mkdir(path.c_str(), 0777); });
}
int unlink(const std::string& path) {
  return call([&] { return ::unlink(path.c_str()); });
}
int rmdir(const std::string& path) {
  return call([&] { return ::rmdir(path.c_str()); });
}

}  // namespace system_calls
}  // namespace vitrine
