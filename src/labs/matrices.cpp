#include "labs/matrices.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace vitrine::labs {
namespace {

constexpr int64_t kMost = 6;  // rows and columns that are shown

std::string number(double x) {
  if (is_unwritten(x)) return "       ·";
  if (std::isnan(x)) return "     nan";
  return std::abs(x) < 1e4 ? fmt::format("{:8.4f}", x) : fmt::format("{:8.1e}", x);
}

// The lines of a matrix. `wrong(i, j)`: a mark behind that entry.
template <class Wrong>
std::vector<std::string> lines(const Case& c, size_t m, const std::vector<double>& memory, Wrong wrong) {
  std::vector<std::string> out;
  const View& v = c.question.views[m];
  for (int64_t i = 0; i < std::min(kMost, v.rows); ++i) {
    std::string line = " ";
    for (int64_t j = 0; j < std::min(kMost, v.cols); ++j) line += number(memory[word(c, m, i, j)]) + (wrong(i, j) ? "✗" : " ");
    out.push_back(line + (v.cols > kMost ? "…" : ""));
  }
  if (v.rows > kMost) out.push_back("   ⋮");
  return out;
}

size_t width_of(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

std::string matrix(const std::string& name, const Case& c, size_t m, const std::vector<double>& memory) {
  std::string out = "  " + name + "\n";
  for (const std::string& line : lines(c, m, memory, [](int64_t, int64_t) { return false; })) out += "  " + line + "\n";
  return out;
}

std::string two_matrices(const std::string& name, const Case& c, size_t m, const std::vector<double>& want,
                         const std::vector<double>& got, double tolerance) {
  const auto right = lines(c, m, want, [](int64_t, int64_t) { return false; });
  const auto own = lines(c, m, got, [&](int64_t i, int64_t j) {
    const size_t at = word(c, m, i, j);
    return !(std::abs(want[at] - got[at]) <= tolerance);
  });
  size_t width = name.size() + 10;
  for (const std::string& line : right) width = std::max(width, width_of(line));
  const auto beside = [&](const std::string& left, const std::string& right_of_it) {
    return "  " + left + std::string(width - std::min(width, width_of(left)) + 3, ' ') + right_of_it + "\n";
  };
  std::string out = beside(name + ", right", name + ", yours");
  for (size_t i = 0; i < right.size(); ++i) out += beside(right[i], own[i]);
  return out;
}

}  // namespace vitrine::labs
