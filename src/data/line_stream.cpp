#include "data/line_stream.h"

#include <algorithm>
#include <utility>

#include "data/utf8.h"

namespace vitrine {
namespace {

constexpr size_t kRead = 1 << 16;

}  // namespace

LineStream::LineStream(const std::string& path, Encoding encoding) : stream_(path), path_(path), encoding_(encoding) {}

// The first bytes tell whether it is a compressed file.
void LineStream::begin() {
  begun_ = true;
  while (buffer_.size() < 4 && buffer_.find('\n') == buffer_.npos && read_more() > 0) continue;
  if (!is_compressed(buffer_)) return;
  if (path_ == "-")
    fail(ErrorKind::kData, "{}: is compressed\nhelp: put zcat or zstdcat in front, or name the file itself", stream_.name());
  buffer_.clear();
  whole_ = std::make_unique<InputFile>(path_);
  left_ = whole_->bytes();
  ended_ = false;
}

size_t LineStream::read_more() {
  const size_t size = buffer_.size();
  buffer_.resize(size + kRead);
  size_t n = 0;
  if (whole_) {
    n = std::min(left_.size(), kRead);
    left_.copy(buffer_.data() + size, n);
    left_.remove_prefix(n);
  } else {
    n = stream_.read(buffer_.data() + size, kRead);
  }
  buffer_.resize(size + n);
  ended_ = n == 0;
  return n;
}

void LineStream::fill() {
  if (!begun_) begin();
  size_t searched = 0;
  while (!ended_) {
    const bool has_line = buffer_.find('\n', searched) != buffer_.npos;
    if (has_line && (buffer_.size() >= kBlock || (!whole_ && !stream_.ready()))) return;
    if (!has_line) searched = buffer_.size();
    if (!has_line && searched > kLongestLine)
      fail(ErrorKind::kData, "{}:{}: a line of more than {} MiB: this is not a text of lines", stream_.name(), place_.line,
           kLongestLine >> 20);
    read_more();
  }
}

const std::vector<std::string_view>& LineStream::next() {
  lines_.clear();
  if (error_) std::rethrow_exception(error_);
  buffer_.erase(0, std::exchange(taken_, 0));
  fill();
  const size_t end = ended_ ? buffer_.size() : buffer_.rfind('\n') + 1;
  first_line_ = place_.line;
  cut(check_lines(std::string_view(buffer_).substr(0, end)));
  taken_ = end;
  place_.line += std::ssize(lines_), place_.offset += end;
  if (lines_.empty() && error_) std::rethrow_exception(error_);
  return lines_;
}

// What is right of a block, as UTF-8: all, or the lines before the first wrong one.
std::string_view LineStream::check_lines(std::string_view block) {
  std::string_view good;
  try {
    good = check_text(block, stream_.name(), encoding_, place_);
  } catch (const Error&) {
    TextPlace place = place_;
    try {
      for (size_t next; place.offset - place_.offset < block.size(); place.offset += next, ++place.line) {
        const std::string_view rest = block.substr(place.offset - place_.offset);
        next = std::min(rest.find('\n'), rest.size() - 1) + 1;
        check_text(rest.substr(0, next), stream_.name(), encoding_, place);
      }
      throw;  // two bytes that are wrong only together: UTF-16
    } catch (const Error&) {
      error_ = std::current_exception();
    }
    good = block.substr(0, place.offset - place_.offset);
    if (good.starts_with("\xEF\xBB\xBF") && place_.offset == 0) good.remove_prefix(3);
  }
  if (encoding_ != Encoding::kLatin1 || find_non_ascii(good) == good.npos) return good;
  return converted_ = latin1_to_utf8(good);
}

void LineStream::cut(std::string_view block) {
  for (size_t at = 0, next; at < block.size(); at = next + 1) {
    next = std::min(block.find('\n', at), block.size());
    lines_.push_back(block.substr(at, next - at));
    if (next < block.size() && lines_.back().ends_with('\r')) lines_.back().remove_suffix(1);
  }
}

}  // namespace vitrine
