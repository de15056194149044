#include "data/csv.h"

#include <algorithm>

#include "base/error.h"

namespace vitrine {

CsvRows::CsvRows(const TextFile& file, char delimiter, bool quotes)
    : file_(file), text_(file.text()), delimiter_(delimiter), quotes_(quotes) {}

bool CsvRows::next(std::vector<std::string_view>& fields) {
  fields.clear();
  rewritten_.clear();
  at_ = std::min(text_.find_first_not_of("\r\n", at_), text_.size());
  if (at_ == text_.size()) return false;
  begin_ = at_;
  for (;; ++at_) {
    fields.push_back(field());
    if (at_ == text_.size() || text_[at_] != delimiter_) return true;
  }
}

std::string_view CsvRows::field() {
  if (quotes_ && at_ < text_.size() && text_[at_] == '"') return quoted_field();
  const size_t begin = at_;
  at_ = end_of_plain(at_);
  return text_.substr(begin, at_ - begin);
}

std::string_view CsvRows::quoted_field() {
  const size_t open = at_++;
  size_t begin = at_;
  std::string* copy = nullptr;
  const auto take = [&](size_t end) {
    if (copy == nullptr) copy = &rewritten_.emplace_back();
    copy->append(text_, begin, end - begin);
  };
  for (;;) {
    at_ = text_.find('"', at_);
    if (at_ == text_.npos)
      fail(
          ErrorKind::kData,
          "{}:{}: the quote that opens here is never closed\nhelp: inside quotes write \"\" for a quote; a file whose quotes are "
          "characters is a tsv",
          file_.path(), file_.line_of(open));
    if (at_ + 1 == text_.size() || text_[at_ + 1] != '"') break;
    take(at_ + 1);
    begin = at_ += 2;
  }
  const size_t close = at_++, end = end_of_plain(at_);
  if (copy == nullptr && end == at_) return text_.substr(begin, close - begin);
  take(close);
  copy->append(text_, at_, end - at_);  // what stands behind the closing quote
  at_ = end;
  return *copy;
}

size_t CsvRows::end_of_plain(size_t at) const {
  while (at < text_.size() && text_[at] != delimiter_ && text_[at] != '\n' && text_[at] != '\r') ++at;
  return at;
}

}  // namespace vitrine
