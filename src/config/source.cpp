#include "config/source.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/error.h"

namespace vitrine {
namespace {

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

size_t characters(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return !continues_character(c); }));
}

}  // namespace

int Diagnostics::add(Source source) {
  sources_.push_back(std::move(source));
  return static_cast<int>(sources_.size()) - 1;
}

void Diagnostics::error(Mark place, std::string message, std::string help) {
  if (full())
    ++dropped_;
  else
    errors_.push_back({place, std::move(message), std::move(help)});
}

void Diagnostics::warn(Mark place, const std::string& message) {
  warnings_.push_back(place.source < 0 ? message : fmt::format("{}: {}", location(place), message));
}

int Diagnostics::line(Mark place) const {
  const std::string& text = source(place.source).text;
  return 1 + static_cast<int>(
                 std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(std::min(place.begin, text.size())), '\n'));
}

std::string Diagnostics::location(Mark place) const {
  if (place.source < 0) return "default";
  if (place.source > 0 || place.begin == place.end) return source(place.source).name;
  const std::string_view before = std::string_view(source(0).text).substr(0, place.begin);
  const size_t start = before.rfind('\n') + 1;  // npos + 1 = 0
  return fmt::format("{}:{}:{}", source(0).name, line(place), characters(before.substr(start)) + 1);
}

std::string Diagnostics::brief(Mark place) const {
  if (place.source < 0) return "the default";
  return place.source == 0 ? fmt::format("line {}", line(place)) : "--set";
}

std::string Diagnostics::excerpt(Mark place) const {
  constexpr size_t kWidest = 110;  // bytes of a line that are shown
  const std::string_view text = source(place.source).text;
  const size_t at = std::min(place.begin, text.size());
  size_t first = text.substr(0, at).rfind('\n') + 1;
  size_t last = std::min(text.find('\n', at), text.size());
  if (at - first > kWidest / 2 && last - first > kWidest) {
    first = at - kWidest / 2;
    while (first < at && continues_character(text[first])) ++first;
  }
  if (last - first > kWidest) {
    last = first + kWidest;
    while (last > at && continues_character(text[last])) --last;
  }
  std::string shown(text.substr(first, last - first)), lead(text.substr(first, at - first));
  std::replace(shown.begin(), shown.end(), '\t', ' ');
  const size_t carets = std::max<size_t>(1, characters(text.substr(at, std::clamp(place.end, at, last) - at)));
  const std::string number = place.source == 0 ? std::to_string(line(place)) : std::string();
  return fmt::format("{:>4} | {}\n     | {}{}", number, shown, std::string(characters(lead), ' '), std::string(carets, '^'));
}

void Diagnostics::throw_if_failed() const {
  if (!failed()) return;
  std::vector<Item> sorted = errors_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Item& a, const Item& b) {
    return std::tuple(a.place.source, a.place.begin) < std::tuple(b.place.source, b.place.begin);
  });
  std::string all;
  for (const Item& item : sorted) {
    if (!all.empty()) all += "\n\n";
    all += fmt::format("{}: {}", location(item.place), item.message);
    if (item.place.begin != item.place.end) all += "\n" + excerpt(item.place);
    if (!item.help.empty()) all += "\nhelp: " + item.help;
  }
  if (dropped_ > 0) all += fmt::format("\n\nand {} more", dropped_);
  throw Error(ErrorKind::kConfig, all);
}

}  // namespace vitrine
