#include "data/input_file.h"

#include <glob.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <climits>
#include <filesystem>
#include <memory>

#include "base/check.h"
#include "base/error.h"

namespace vitrine {
namespace {
namespace fs = std::filesystem;

constexpr std::string_view kGzip = "\x1F\x8B", kZstd = "\x28\xB5\x2F\xFD";
constexpr size_t kFirstBuffer = 1 << 16;

[[noreturn]] void fail_damaged(const std::string& origin, const char* format, std::string_view reason) {
  fail(ErrorKind::kData, "{}: this {} file is damaged: {}", origin, format, reason);
}
[[noreturn]] void fail_short(const std::string& origin, const char* format, size_t bytes) {
  fail(ErrorKind::kData, "{}: this {} file ends too early, after {} bytes: copy or make it again", origin, format, bytes);
}

// A file may hold several members, one after the other, and zeros behind the last (RFC 1952, §2.2).
std::string decompress_gzip(std::string_view bytes, const std::string& origin) {
  z_stream stream{};
  check(inflateInit2(&stream, 15 + 16) == Z_OK, "zlib starts");  // a window of 2^15 bytes; 16: gzip
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, inflateEnd);
  std::string out(kFirstBuffer, '\0');
  size_t read = 0, written = 0;
  for (bool inside = true;;) {
    if (!inside) {
      const size_t next = std::min(bytes.find_first_not_of('\0', read), bytes.size());
      if (next == bytes.size()) break;
      if (!bytes.substr(next).starts_with(kGzip))
        fail_damaged(origin, "gzip", fmt::format("{} bytes behind its end are something else", bytes.size() - next));
      read = next, inside = true;
      inflateReset(&stream);
    }
    if (written == out.size()) out.resize(2 * out.size());
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data() + read));
    stream.avail_in = static_cast<uInt>(std::min<size_t>(bytes.size() - read, INT_MAX));
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + written);
    stream.avail_out = static_cast<uInt>(std::min<size_t>(out.size() - written, INT_MAX));
    const uInt in = stream.avail_in, room = stream.avail_out;
    const int status = inflate(&stream, Z_NO_FLUSH);
    read += in - stream.avail_in, written += room - stream.avail_out;
    inside = status != Z_STREAM_END;
    if (status == Z_BUF_ERROR || (status == Z_OK && read == bytes.size() && stream.avail_out > 0))
      fail_short(origin, "gzip", bytes.size());
    if (status != Z_OK && status != Z_STREAM_END) fail_damaged(origin, "gzip", stream.msg ? stream.msg : "not deflate data");
  }
  out.resize(written);
  return out;
}

std::string decompress_zstd(std::string_view bytes, const std::string& origin) {
  const std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  check(context != nullptr, "zstd starts");
  std::string out(kFirstBuffer, '\0');
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  size_t written = 0, left = 1;  // left: 0 at the end of a frame
  while (in.pos < in.size || left != 0) {
    if (written == out.size()) out.resize(2 * out.size());
    ZSTD_outBuffer to{out.data(), out.size(), written};
    const size_t before = in.pos;
    left = ZSTD_decompressStream(context.get(), &to, &in);
    if (ZSTD_isError(left)) fail_damaged(origin, "zstd", ZSTD_getErrorName(left));
    if (left != 0 && in.pos == before && to.pos == written && in.pos == in.size) fail_short(origin, "zstd", bytes.size());
    written = to.pos;
  }
  out.resize(written);
  return out;
}

}  // namespace

bool is_compressed(std::string_view bytes) { return bytes.starts_with(kGzip) || bytes.starts_with(kZstd); }

std::string decompress(std::string_view bytes, const std::string& origin) {
  return bytes.starts_with(kGzip) ? decompress_gzip(bytes, origin) : decompress_zstd(bytes, origin);
}

std::string_view without_compression(std::string_view path) {
  for (const std::string_view ending : {".gz", ".zst"})
    if (path.ends_with(ending)) path.remove_suffix(ending.size());
  return path;
}

InputFile::InputFile(const std::string& path) : file_(path), compressed_(is_compressed(file_.text())) {
  if (compressed_) decompressed_ = decompress(file_.text(), path);
  for (const auto& [ending, format] : {std::pair{".gz", "gzip"}, std::pair{".zst", "zstd"}})
    if (path.ends_with(ending) && !compressed_)
      fail(ErrorKind::kData, "{}: its name ends in {}, but this is not a {} file: rename it or compress it", path, ending,
           format);
}

std::vector<std::string> expand_path(const std::string& path) {
  std::vector<std::string> files;
  std::error_code error;
  if (fs::is_directory(path, error)) {
    for (const auto& entry : fs::directory_iterator(path, error))
      if (entry.is_regular_file(error) && !entry.path().filename().string().starts_with('.'))
        files.push_back(entry.path().string());
    if (error) fail(ErrorKind::kData, "cannot read '{}': {}", path, error.message());
    if (files.empty()) fail(ErrorKind::kData, "'{}' is a folder without a file in it", path);
  } else if (!fs::exists(path, error) && path.find_first_of("*?[") != std::string::npos) {
    glob_t found{};
    const std::unique_ptr<glob_t, void (*)(glob_t*)> free(&found, globfree);
    glob(path.c_str(), GLOB_NOSORT, nullptr, &found);
    for (size_t i = 0; i < found.gl_pathc; ++i)
      if (!fs::is_directory(found.gl_pathv[i], error)) files.emplace_back(found.gl_pathv[i]);
    if (files.empty()) fail(ErrorKind::kData, "no file matches '{}'", path);
  } else {
    return {path};
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace vitrine
