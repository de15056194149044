#include "cli/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string_view>

namespace vitrine {
namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

}  // namespace

Terminal terminal_of(int descriptor) {
  Terminal t;
  const std::string_view term = variable("TERM");
  t.is_terminal = isatty(descriptor) == 1 && term != "dumb";
  int width = 0;
  const std::string_view columns = variable("COLUMNS");
  std::from_chars(columns.data(), columns.data() + columns.size(), width);
  winsize size{};
  if (width <= 0 && isatty(descriptor) == 1 && ioctl(descriptor, TIOCGWINSZ, &size) == 0) width = size.ws_col;
  t.style.width = width > 0 ? std::clamp(width, 10, 1000) : 80;
  if (!t.is_terminal || !variable("NO_COLOR").empty()) return t;
  const std::string_view depth = variable("COLORTERM");
  if (depth == "truecolor" || depth == "24bit" || term.ends_with("-direct"))
    t.style.colours = Colours::kTrue;
  else if (term.find("256color") != std::string_view::npos)
    t.style.colours = Colours::k256;
  return t;
}

std::string thousands(int64_t n) {
  std::string digits = std::to_string(n < 0 ? -n : n);
  for (int i = static_cast<int>(digits.size()) - 3; i > 0; i -= 3) digits.insert(static_cast<size_t>(i), ",");
  return n < 0 ? "-" + digits : digits;
}

std::string short_count(double n) {
  if (n < 999.5) return fmt::format("{:.0f}", n);
  if (n < 99'950) return fmt::format("{:.1f}k", n / 1e3);
  if (n < 999'500) return fmt::format("{:.0f}k", n / 1e3);
  return fmt::format("{:.1f}M", n / 1e6);
}

std::string duration(double seconds) {
  const auto s = static_cast<int64_t>(std::llround(std::clamp(seconds, 0.0, 1e9)));
  if (s < 3600) return fmt::format("{}:{:02d}", s / 60, s % 60);
  return fmt::format("{}:{:02d}:{:02d}", s / 3600, s / 60 % 60, s % 60);
}

std::string megabytes(double bytes) { return fmt::format("{:.{}f} MB", bytes / 1e6, bytes < 9.95e6 ? 1 : 0); }

}  // namespace vitrine
