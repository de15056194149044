#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace vitrine {

// `kind` is what a failure means to the caller: the same unreadable file is wrong data to one and a wrong checkpoint to another.

// "cannot read 'path': no such file or folder": the reason is that of errno; with a full disk, also the bytes needed and free.
[[noreturn]] void fail_on_file(const char* verb, const std::string& path, int error, ErrorKind kind, size_t needed = 0);

// A file read whole, or mapped into memory (pages come from the disk when they are looked at). Error{kind} with path and reason; a
// directory, a missing file and an unreadable one are told apart.
std::string read_file(const std::string& path, ErrorKind kind = ErrorKind::kData);

class MappedFile {
 public:
  explicit MappedFile(const std::string& path, ErrorKind kind = ErrorKind::kData);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  MappedFile& operator=(MappedFile&& other) noexcept;
  std::string_view text() const { return {data_, size_}; }

 private:
  const char* data_ = nullptr;
  size_t size_ = 0;
};

// Writes all of it or nothing: a temporary file beside it, fsync, rename, fsync of the folder. A full disk is reported with the
// bytes needed and free; the old file stays. A link is followed; a pipe or a device is written to as it is. A process killed in
// between leaves `.NAME.partial-PID`, which remove_leftovers(path) removes.
void write_file_atomically(const std::string& path, std::string_view bytes, ErrorKind kind = ErrorKind::kCheckpoint);
void remove_leftovers(const std::string& path);

// Its parts: a new file whose bytes are on the disk when this returns (none is left when it fails); what a folder lists is on the
// disk; a folder and all above it exist.
void write_file_synced(const std::string& path, std::string_view bytes, ErrorKind kind = ErrorKind::kCheckpoint);
void sync_directory(const std::string& path, ErrorKind kind = ErrorKind::kCheckpoint);
void make_directories(const std::string& path, ErrorKind kind = ErrorKind::kCheckpoint);
// Swaps two names in one go; false where the file system cannot.
bool exchange_files(const std::string& a, const std::string& b, ErrorKind kind = ErrorKind::kCheckpoint);
void rename_file(const std::string& from, const std::string& to, ErrorKind kind = ErrorKind::kCheckpoint);
bool remove_tree(const std::string& path) noexcept;  // a file or a folder with all in it; links are not followed

// A file that grows by whole lines, each handed to the system in one call before append returns.
class LineFile {
 public:
  explicit LineFile(const std::string& path, ErrorKind kind = ErrorKind::kCheckpoint);
  ~LineFile();
  LineFile(LineFile&& other) noexcept
      : path_(std::move(other.path_)), kind_(other.kind_), descriptor_(std::exchange(other.descriptor_, -1)) {}
  LineFile& operator=(LineFile&& other) noexcept;
  void append(std::string_view line);         // without its '\n'
  void append_bytes(std::string_view bytes);  // a record of another kind, as it is
  void sync();                                // what was appended outlives the machine's power

 private:
  std::string path_;
  ErrorKind kind_;
  int descriptor_ = -1;
};

}  // namespace vitrine
