#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"

namespace vitrine {

// The bytes of a file as they are meant. A plain file is mapped and costs no memory. A gzip or zstd file, which its first bytes tell
// (whatever it is called), is decompressed whole: as much memory as its contents, while it grows up to twice that. Error{kData} names
// the file and what is wrong with it: cut short, damaged, bytes behind its end, or a name in .gz or .zst that promises too much.
class InputFile {
 public:
  explicit InputFile(const std::string& path);
  std::string_view bytes() const { return compressed_ ? std::string_view(decompressed_) : file_.text(); }

 private:
  MappedFile file_;
  bool compressed_ = false;
  std::string decompressed_;
};

bool is_compressed(std::string_view bytes);
std::string decompress(std::string_view bytes, const std::string& origin);  // of which is_compressed() holds
std::string_view without_compression(std::string_view path);                // "a.csv.gz" → "a.csv"

// A path of the configuration as files in the order of their names: itself; those in a folder, but not in folders of it, nor hidden
// ones; those that match a pattern with *, ? or [ ]. Error{kData} where there is none.
std::vector<std::string> expand_path(const std::string& path);

}  // namespace vitrine
