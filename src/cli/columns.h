#pragma once
#include <string>
#include <vector>

namespace vitrine {

// A table of short cells, each column as wide as its widest. Columns that do not fit beside the labels go into further tables below.
struct Column {
  std::string title;
  std::vector<std::string> cells;  // one for each label
};
std::string draw_columns(const std::string& corner, const std::vector<std::string>& labels, const std::vector<Column>& columns,
                         int width);

// 0.83, −0.02, · for what rounds to 0; – for what there is not.
std::string effect_cell(double value);

}  // namespace vitrine
