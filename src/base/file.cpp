#include "base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <vector>

#include "base/system_calls.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;

std::string folder_of(const std::string& path) {
  const std::string folder = fs::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

std::string reason_of(int error) {
  switch (error) {
    case ENOENT: return "no such file or folder";
    case EACCES: return "permission denied";
    case EISDIR: return "it is a folder";
    case ENOTDIR: return "a part of the path is not a folder";
    case ENOSPC: return "the disk is full";
    case EROFS: return "the file system is read-only";
    default: return std::generic_category().message(error);
  }
}

void check_path(const char* verb, const std::string& path, ErrorKind kind) {
  if (path.empty() || path.find('\0') != path.npos)
    fail(kind, "cannot {} '{}': the path {}", verb, path.c_str(), path.empty() ? "is empty" : "holds a zero byte");
}

struct OpenFile {  // for reading
  int descriptor;
  struct stat info {};

  OpenFile(const std::string& path, ErrorKind kind) {
    check_path("read", path, kind);
    do {
      descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    } while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0) fail_on_file("read", path, errno, kind);
    int error = ::fstat(descriptor, &info) != 0 ? errno : 0;
    if (error == 0 && S_ISDIR(info.st_mode)) error = EISDIR;
    if (error == 0) return;
    ::close(descriptor);
    fail_on_file("read", path, error, kind);
  }
  ~OpenFile() { ::close(descriptor); }
};

// 0, or the error of the first call that failed.
int write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = system_calls::write(descriptor, bytes.data(), bytes.size());
    if (n <= 0) return n < 0 ? errno : EIO;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return 0;
}

}  // namespace

void fail_on_file(const char* verb, const std::string& path, int error, ErrorKind kind, size_t needed) {
  struct statvfs disk {};
  if ((error == ENOSPC || error == EDQUOT) && needed > 0 && ::statvfs(folder_of(path).c_str(), &disk) == 0)
    fail(kind, "cannot {} '{}': {}: it needs {} bytes, {} are free", verb, path,
         error == ENOSPC ? "the disk is full" : "the disk quota is used up", needed, uint64_t{disk.f_bavail} * disk.f_frsize);
  fail(kind, "cannot {} '{}': {}", verb, path, reason_of(error));
}

std::string read_file(const std::string& path, ErrorKind kind) {
  const OpenFile file(path, kind);
  std::string bytes(file.info.st_size > 0 ? static_cast<size_t>(file.info.st_size) : size_t{1} << 16, '\0');
  size_t have = 0;
  while (true) {  // the size of a pipe is not known before its end
    if (have == bytes.size()) {
      char more;
      const ssize_t n = ::read(file.descriptor, &more, 1);
      if (n == 0) break;
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail_on_file("read", path, errno, kind);
      bytes.resize(2 * bytes.size() + 1);
      bytes[have++] = more;
    }
    const ssize_t n = ::read(file.descriptor, bytes.data() + have, bytes.size() - have);
    if (n == 0) break;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_on_file("read", path, errno, kind);
    have += static_cast<size_t>(n);
  }
  bytes.resize(have);
  return bytes;
}

MappedFile::MappedFile(const std::string& path, ErrorKind kind) {
  const OpenFile file(path, kind);
  if (!S_ISREG(file.info.st_mode)) fail(kind, "cannot read '{}': it is not a regular file", path);
  if (file.info.st_size == 0) return;
  size_ = static_cast<size_t>(file.info.st_size);
  void* address = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.descriptor, 0);
  if (address == MAP_FAILED) fail_on_file("read", path, errno, kind);
  data_ = static_cast<const char*>(address);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<char*>(data_), size_);
}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

void write_file_synced(const std::string& path, std::string_view bytes, ErrorKind kind) {
  check_path("write", path, kind);
  const int descriptor = system_calls::open_for_writing(path, O_TRUNC);
  if (descriptor < 0) fail_on_file("write", path, errno, kind, bytes.size());
  int error = write_all(descriptor, bytes);
  if (error == 0 && system_calls::fsync(descriptor) != 0) error = errno;
  ::close(descriptor);
  if (error == 0) return;
  system_calls::unlink(path);
  fail_on_file("write", path, error, kind, bytes.size());
}

void write_file_atomically(const std::string& path, std::string_view bytes, ErrorKind kind) {
  check_path("write", path, kind);
  std::error_code ignored;
  std::string target = path;
  if (const fs::file_status status = fs::status(path, ignored); fs::is_directory(status)) {
    fail_on_file("write", path, EISDIR, kind);
  } else if (fs::exists(status) && !fs::is_regular_file(status)) {
    const int descriptor = system_calls::open_for_writing(path, 0);
    const int error = descriptor < 0 ? errno : write_all(descriptor, bytes);
    if (descriptor >= 0) ::close(descriptor);
    if (error != 0) fail_on_file("write", path, error, kind);
    return;
  } else if (fs::is_symlink(fs::symlink_status(path, ignored))) {
    target = fs::weakly_canonical(path, ignored).string();
  }
  const std::string name = fs::path(target).filename().string();
  const std::string partial = fmt::format("{}/.{}.partial-{}", folder_of(target), name, ::getpid());
  try {
    write_file_synced(partial, bytes, kind);
    if (system_calls::rename(partial, target) != 0) {
      const int error = errno;
      system_calls::unlink(partial);
      fail_on_file("write", path, error, kind, bytes.size());
    }
  } catch (const Error& error) {  // the person knows the file by its own name
    std::string message = error.what();
    if (const size_t at = message.find(partial); at != message.npos) message.replace(at, partial.size(), path);
    throw Error(kind, message);
  }
  sync_directory(folder_of(target), kind);
}

void remove_leftovers(const std::string& path) {
  const std::string start = "." + fs::path(path).filename().string() + ".partial-";
  std::vector<std::string> found;
  std::error_code error;
  for (fs::directory_iterator entry(folder_of(path), error), end; !error && entry != end; entry.increment(error))
    if (entry->path().filename().string().starts_with(start)) found.push_back(entry->path().string());
  for (const std::string& leftover : found) system_calls::unlink(leftover);
}

void sync_directory(const std::string& path, ErrorKind kind) {
  const int descriptor = system_calls::open_directory(path);
  if (descriptor < 0) fail_on_file("write to", path, errno, kind);
  const int error = system_calls::fsync(descriptor) != 0 ? errno : 0;
  ::close(descriptor);
  if (error != 0 && error != EINVAL) fail_on_file("write to", path, error, kind);  // EINVAL: this file system has no such thing
}

void make_directories(const std::string& path, ErrorKind kind) {
  check_path("create", path, kind);
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return;
  if (const std::string above = folder_of(path); above != path) make_directories(above, kind);
  if (system_calls::mkdir(path) == 0) return sync_directory(folder_of(path), kind);
  const int error = errno;
  if (fs::is_directory(path, ignored)) return;
  if (error == EEXIST) fail(kind, "cannot create the folder '{}': a file has this name", path);
  fail_on_file("create the folder", path, error, kind);
}

void rename_file(const std::string& from, const std::string& to, ErrorKind kind) {
  if (system_calls::rename(from, to) != 0) fail_on_file("write", to, errno, kind);
}

bool exchange_files(const std::string& a, const std::string& b, ErrorKind kind) {
  if (system_calls::exchange(a, b) == 0) return true;
  if (errno != EINVAL && errno != ENOSYS && errno != ENOTSUP) fail_on_file("write", b, errno, kind);
  return false;
}

bool remove_tree(const std::string& path) noexcept try {
  std::error_code error;
  if (fs::symlink_status(path, error).type() != fs::file_type::directory) return system_calls::unlink(path) == 0;
  std::vector<std::string> inside;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error))
    inside.push_back(entry->path().string());
  for (const std::string& name : inside) remove_tree(name);
  return system_calls::rmdir(path) == 0;
} catch (...) {
  return false;
}

LineFile::LineFile(const std::string& path, ErrorKind kind) : path_(path), kind_(kind) {
  check_path("write", path, kind);
  descriptor_ = system_calls::open_for_writing(path, O_APPEND);
  if (descriptor_ < 0) fail_on_file("write", path, errno, kind);
}

LineFile::~LineFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

LineFile& LineFile::operator=(LineFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(kind_, other.kind_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

void LineFile::sync() {
  if (system_calls::fsync(descriptor_) != 0) fail_on_file("write", path_, errno, kind_);
}

void LineFile::append(std::string_view line) { append_bytes(std::string(line) + '\n'); }

void LineFile::append_bytes(std::string_view bytes) {
  if (const int error = write_all(descriptor_, bytes); error != 0) fail_on_file("write", path_, error, kind_, bytes.size());
}

}  // namespace vitrine
