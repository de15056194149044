#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/settings.h"
#include "data/text_file.h"

namespace vitrine {

// What stands in one column of a row.
struct Cell {
  std::string_view text;
  bool missing = false;                // null
  bool is_list = false;                // a JSON array of texts and numbers
  std::vector<std::string_view> list;  // of which these are the items
};

// The rows of a CSV, TSV or JSONL file, of which certain columns are wanted.
class TableReader {
 public:
  virtual ~TableReader() = default;
  // False: the end. Cells come in the order of the wanted columns and are valid until the next call. Error{kData} names file and line:
  // a row with more or fewer fields than the first, a line that is not a JSON object.
  virtual bool next(std::vector<Cell>& cells) = 0;
  virtual size_t begin() const = 0;  // of the last row, in the text
};

// What kind of table a file is, by its name without .gz or .zst where the settings leave it open. Error{kData} for other names.
TableFormat format_of(const std::string& path, TableFormat asked);

// Error{kData}, with the nearest name, where a column is missing; a column that is wanted may stand there only once.
std::unique_ptr<TableReader> read_table(const TextFile& file, const DataSettings& data, const std::vector<std::string>& wanted);

}  // namespace vitrine
