#pragma once
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace vitrine {

// Every system call of a save goes through these, so that a test can make the n-th one fail, or end the process there. Results and
// errno as POSIX has them; an interrupted call is repeated.
namespace system_calls {
int open_for_writing(const std::string& path, int flags);  // O_WRONLY | O_CREAT | O_CLOEXEC | flags, mode 0666
int open_directory(const std::string& path);
ssize_t write(int descriptor, const char* bytes, size_t count);
int fsync(int descriptor);
int rename(const std::string& from, const std::string& to);
int exchange(const std::string& a, const std::string& b);  // swaps two names in one go; EINVAL where the file system cannot
int mkdir(const std::string& path);
int unlink(const std::string& path);
int rmdir(const std::string& path);
}  // namespace system_calls

// kDiskFull: ENOSPC; kInputOutput: EIO; kNotSupported: EINVAL. kShortWrite: half of the bytes are written, and the call says so. kKill…: SIGKILL just before or just after the call.
enum class Failure { kDiskFull, kInputOutput, kNotSupported, kShortWrite, kKillBefore, kKillAfter };

// The call-th call from now on (1: the next one) fails, once; 0: none does. VITRINE_FAILPOINT=n:kill|kill_after|enospc|eio|short
// in the environment sets the same when the process starts.
void set_failpoint(int64_t call, Failure failure);
int64_t calls_since_failpoint();

}  // namespace vitrine
