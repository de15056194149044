#pragma once
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "data/text_file.h"

namespace vitrine {

// The rows of a file of separated values. With quotes they are those of Python's csv.reader: a field that begins with " goes on to the
// next single one and may hold separators, ends of lines and "" for "; a quote elsewhere is a character; rows end with \n, \r or \r\n;
// empty rows are skipped. Without quotes (TSV, text/tab-separated-values) a quote is a character everywhere.
class CsvRows {
 public:
  CsvRows(const TextFile& file, char delimiter, bool quotes);
  // False: the end. Fields lie in the text, or, where there were "", in memory that lasts until the next call. Error{kData} names the
  // line of a quote that is never closed.
  bool next(std::vector<std::string_view>& fields);
  size_t begin() const { return begin_; }  // of the last row, in the text

 private:
  std::string_view field();
  std::string_view quoted_field();
  size_t end_of_plain(size_t at) const;

  const TextFile& file_;
  std::string_view text_;
  char delimiter_;
  bool quotes_;
  size_t at_ = 0, begin_ = 0;
  std::deque<std::string> rewritten_;  // fields of this row that do not stand in the text as they are
};

}  // namespace vitrine
