#include "cli/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "cli/terminal.h"

namespace vitrine {
namespace {

constexpr int kCurve = 10, kShortestBar = 8, kLongestBar = 28;

std::string bar(double share, int columns, const TerminalStyle& style) {
  const int full = static_cast<int>(std::clamp(share, 0.0, 1.0) * columns);
  std::string done, rest;
  for (int k = 0; k < columns; ++k) (k < full ? done : rest) += "━";
  if (style.colours == Colours::kNone) {
    rest.clear();
    for (int k = full; k < columns; ++k) rest += "─";
  }
  return toned(done, Tone::kGood, style) + toned(rest, Tone::kFaint, style);
}

}  // namespace

std::string sparkline(const std::vector<double>& values, int columns) {
  constexpr std::array<std::string_view, 7> levels{"▁", "▂", "▃", "▄", "▅", "▆", "▇"};
  const size_t n = std::min(values.size(), static_cast<size_t>(columns));
  std::vector<double> means(n);
  for (size_t k = 0; k < n; ++k) {
    const size_t first = k * values.size() / n, last = (k + 1) * values.size() / n;
    for (size_t i = first; i < last; ++i) means[k] += values[i] / static_cast<double>(last - first);
  }
  if (n == 0) return "";
  const auto [low, high] = std::minmax_element(means.begin(), means.end());
  std::string out;
  for (double v : means) {
    const double share = *high > *low ? (v - *low) / (*high - *low) : 0;
    out += levels[static_cast<size_t>(std::lround(share * (levels.size() - 1)))];
  }
  return out;
}

std::string draw_progress(const TrainingProgress& p, const TerminalStyle& style) {
  // Parts in the order of the line, each with how early it is left out when there is no room (0: never).
  struct Part {
    std::string text;
    int leave_out;
    bool shown = true;
  };
  const double share = p.steps > 0 ? static_cast<double>(p.step) / static_cast<double>(p.steps) : 1;
  std::vector<Part> parts{{fmt::format("{}/{}", thousands(p.step), thousands(p.steps)), 0},
                          {fmt::format("loss {:.3f}", p.loss), 1},
                          {sparkline(p.losses, kCurve), 5},
                          {p.floor >= 0 ? fmt::format("{} {:.3f}", p.floor_name, p.floor) : "", 4},
                          {fmt::format("{} tokens/s", short_count(p.tokens_per_s)), 3},
                          {fmt::format("rate {:.1e}", p.learning_rate), 6},
                          {fmt::format("{} left", duration(p.seconds_left)), 2}};
  std::erase_if(parts, [](const Part& part) { return part.text.empty(); });
  const auto width = [&] {
    int sum = 0;
    for (const Part& part : parts) sum += part.shown ? display_width(part.text) + 2 : 0;
    return sum - 2;
  };
  for (int least = 6; least > 0; --least)
    for (Part& part : parts)
      if (part.leave_out == least && width() + (least > 2 ? kShortestBar + 2 : 0) > style.width) part.shown = false;
  const int room = std::min(style.width - width() - 2, kLongestBar);
  std::string line = fit(parts[0].text, std::min(style.width, display_width(parts[0].text)));
  if (room >= kShortestBar) line += "  " + bar(share, room, style);
  for (size_t i = 1; i < parts.size(); ++i)
    if (parts[i].shown) line += "  " + parts[i].text;
  return line;
}

}  // namespace vitrine
