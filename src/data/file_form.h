#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "data/settings.h"

namespace vitrine {

// What a look at the beginning of a file finds. Nothing of it is sure; `why` says what it rests on.
struct ColumnForm {
  std::string name;
  int64_t cells = 0;                    // that are not empty
  int64_t numbers = 0, whole = 0;       // of them: finite numbers, whole ones
  int64_t lists = 0;                    // of them: lists of JSON
  int64_t words = 0, bytes = 0;         // of all
  std::map<std::string, int64_t> seen;  // how often each value stands there; items of lists

  double mean_words() const { return cells > 0 ? static_cast<double>(words) / static_cast<double>(cells) : 0; }
};

struct FileForm {
  DataKind kind = DataKind::kText;
  Encoding encoding = Encoding::kUtf8;
  TableFormat format = TableFormat::kAuto;  // of a table
  char delimiter = ',';
  bool header = true;
  bool tags = false, entities = false;     // of each token; that say where entities begin (B-x, I-x, O)
  int64_t rows = 0;                        // sequences that were looked at
  bool whole = true;                       // they are all there are
  std::vector<ColumnForm> columns;         // of a table; of labelled lines: label and text; of tagged: its own; else: text
  std::vector<int64_t> lengths, sizes;     // words and bytes of each sequence, in the order of the file, of the longest column
  std::map<std::string, std::string> why;  // kind, encoding, delimiter, header
};

// Reads at most `most` sequences. Error{kData} for what is no text: UTF-16, NUL bytes, a damaged gzip file, a file without a line.
FileForm look_at_file(const std::string& path, int64_t most = 20000);

}  // namespace vitrine
