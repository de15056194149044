#include <algorithm>

#include "base/error.h"
#include "cli/sweep.h"

namespace vitrine {

SweepAxis parse_axis(const std::string& assignment) {
  const size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0)
    fail(ErrorKind::kConfig,
         "--set {}: not an assignment\nhelp: `--set model.heads=1,2,4`: a key, then `=`, then one value or several", assignment);
  SweepAxis axis{assignment.substr(0, equals), {}};
  std::string value;
  int depth = 0;
  char quote = '\0';
  const auto finish = [&] {
    const size_t first = value.find_first_not_of(' '), last = value.find_last_not_of(' ');
    if (first == std::string::npos) fail(ErrorKind::kConfig, "--set {}: an empty value", assignment);
    value = value.substr(first, last + 1 - first);
    if (std::find(axis.values.begin(), axis.values.end(), value) != axis.values.end())
      fail(ErrorKind::kConfig, "--set {}: {} stands there twice", assignment, value);
    axis.values.push_back(std::move(value));
    value.clear();
  };
  for (const char c : assignment.substr(equals + 1)) {
    if (quote != '\0') {
      if (c == quote) quote = '\0';
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '[' || c == '{') {
      ++depth;
    } else if (c == ']' || c == '}') {
      --depth;
    } else if (c == ',' && depth == 0) {
      finish();
      continue;
    }
    value += c;
  }
  finish();
  return axis;
}

std::vector<std::vector<std::string>> grid_of(const std::vector<SweepAxis>& axes) {
  std::vector<std::vector<std::string>> cells(1);
  for (const SweepAxis& axis : axes) {
    std::vector<std::vector<std::string>> more;
    for (const auto& cell : cells)
      for (const std::string& value : axis.values) {
        more.push_back(cell);
        more.back().push_back(axis.key + "=" + value);
      }
    cells = std::move(more);
  }
  return cells;
}

std::string sweep_run_name(const std::vector<std::string>& assignments, int64_t seed) {
  std::string name;
  for (const std::string& assignment : assignments) name += assignment + "_";
  for (char& c : name)
    if (const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
                           c == '=' || c == '-' || c == '+';
        !plain)
      c = '-';
  return name + fmt::format("seed={}", seed);
}

}  // namespace vitrine
