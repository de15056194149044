#include "cli/columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "inspect/terminal_text.h"

namespace vitrine {

std::string draw_columns(const std::string& corner, const std::vector<std::string>& labels, const std::vector<Column>& columns,
                         int width) {
  int left = display_width(corner);
  for (const std::string& label : labels) left = std::max(left, display_width(label));
  const auto width_of = [](const Column& c) {
    int widest = display_width(c.title);
    for (const std::string& cell : c.cells) widest = std::max(widest, display_width(cell));
    return widest + 2;
  };
  std::string out;
  for (size_t first = 0; first < columns.size();) {
    size_t last = first;
    int used = left + 2;
    do used += width_of(columns[last++]);
    while (last < columns.size() && used + width_of(columns[last]) <= width);
    const auto line = [&](const std::string& label, auto cell) {
      std::string text = "  " + fit(label, left);
      for (size_t k = first; k < last; ++k) text += fit(cell(columns[k]), width_of(columns[k]), true);
      text.erase(text.find_last_not_of(' ') + 1);
      out += text + "\n";
    };
    if (first > 0) out += "\n";
    line(corner, [](const Column& c) { return c.title; });
    for (size_t row = 0; row < labels.size(); ++row) line(labels[row], [&](const Column& c) { return c.cells[row]; });
    first = last;
  }
  return out;
}

std::string effect_cell(double value) {
  if (std::isnan(value)) return "–";
  return std::abs(value) < 0.005 ? "·" : fmt::format("{:.2f}", value);
}

}  // namespace vitrine
