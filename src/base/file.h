#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace vitrine {

// A file read whole, or mapped into memory (pages come from the disk when they are looked at). Error{kind} with path and reason; a
// directory, a missing file and an unreadable one are told apart.
std::string read_file(const std::string& path);

class MappedFile {
 public:
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  std::string_view text() const { return {data_, size_}; }

 private:
  const char* data_ = nullptr;
  size_t size_ = 0;
};

// Writes all of it or nothing: temporary file beside it, fsync, rename, fsync of the folder. A full disk is reported with the bytes
// needed and free; the old file stays. Every system call goes through here, so that tests can make the n-th one fail.
void write_file_atomically(const std::string& path, std::string_view bytes);
void make_directories(const std::string& path);
void sync_directory(const std::string& path);

}  // namespace vitrine
