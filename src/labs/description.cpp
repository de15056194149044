#include "labs/description.h"

#include <algorithm>
#include <cstdlib>

#include "base/error.h"

namespace vitrine::labs {
namespace {

std::string_view trim(std::string_view text) {
  const size_t first = text.find_first_not_of(' '), last = text.find_last_not_of(' ');
  return first == text.npos ? std::string_view() : text.substr(first, last - first + 1);
}

// What stands before and behind the first of these characters.
std::pair<std::string_view, std::string_view> part(std::string_view text, char at) {
  const size_t n = text.find(at);
  return n == text.npos ? std::pair{text, std::string_view()} : std::pair{text.substr(0, n), trim(text.substr(n + 1))};
}

std::vector<std::string> words(std::string_view text, char between) {
  std::vector<std::string> out;
  while (!(text = trim(text)).empty()) {
    const auto [word, rest] = part(text, between);
    out.emplace_back(trim(word));
    text = rest;
  }
  return out;
}

// "set y [N,D], gamma [1,D], epsilon"
std::vector<Argument> read_arguments(std::string_view text) {
  std::vector<Argument> out;
  while (!(text = trim(text)).empty()) {
    Argument argument;
    for (const auto& [word, use] : {std::pair{"set ", Use::kSet}, {"add ", Use::kAdd}, {"change ", Use::kChange}})
      if (text.starts_with(word)) argument.use = use, text = trim(text.substr(std::string_view(word).size()));
    const size_t end = text.find_first_of(" ,");
    argument.name = text.substr(0, end);
    text = end == text.npos ? std::string_view() : trim(text.substr(end));
    if (text.starts_with('[')) {
      const auto [rows, cols] = part(text.substr(1, text.find(']') - 1), ',');
      argument.rows = words(rows, '*'), argument.cols = words(cols, '*');
      text = trim(text.substr(text.find(']') + 1));
    } else {
      argument.use = Use::kNumber;
    }
    if (text.starts_with(',')) text.remove_prefix(1);
    out.push_back(std::move(argument));
  }
  return out;
}

double number(std::string_view text) { return std::strtod(std::string(text).c_str(), nullptr); }

}  // namespace

const Argument* Function::find(std::string_view argument) const {
  const auto at = std::find_if(arguments.begin(), arguments.end(), [&](const Argument& a) { return a.name == argument; });
  return at == arguments.end() ? nullptr : &*at;
}

Description read_description(std::string_view name, std::string_view text) {
  Description d;
  d.name = name;
  for (int line = 1; !text.empty(); ++line) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view whole = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (trim(whole).empty()) continue;
    const auto [key, rest] = part(whole, ' ');
    const auto in_mistake = [&] { return !d.mistakes.empty(); };
    if (key == "title")
      d.title = rest;
    else if (key == "cut")
      d.source = rest;
    else if (key == "page")
      d.page = rest;
    else if (key == "teaches")
      d.teaches = rest;
    else if (key == "minutes")
      d.minutes = std::atoll(std::string(rest).c_str());
    else if (key == "after")
      d.after = words(rest, ',');
    else if (key == "function")
      d.functions.push_back({std::string(part(rest, ' ').first), read_arguments(part(rest, ' ').second)});
    else if (key == "positive")
      d.positive.emplace_back(rest);
    else if (key == "classes")
      d.classes.emplace_back(part(rest, ' '));
    else if (key == "number") {
      std::vector<double> values;
      for (const std::string& word : words(part(rest, ' ').second, ' ')) values.push_back(number(word));
      d.numbers.emplace_back(part(rest, ' ').first, values);
    } else if (key == "extreme") {
      const auto [argument, how] = part(rest, ' ');
      Extreme extreme{std::string(argument)};
      (how.starts_with('*') ? extreme.factor : extreme.shift) = number(how.substr(1));
      d.extremes.push_back(extreme);
    } else if (key == "==")
      d.mistakes.push_back({std::string(rest), "", {}});
    else if (key == "read" && in_mistake())
      d.mistakes.back().read = rest;
    else if (key == "-" && in_mistake())
      d.mistakes.back().changes.emplace_back(rest, "");
    else if (key == "+" && in_mistake() && !d.mistakes.back().changes.empty())
      d.mistakes.back().changes.back().second = rest;
    else
      fail(ErrorKind::kInternal, "lab {}: line {} is not understood: '{}'", name, line, whole);
  }
  return d;
}

}  // namespace vitrine::labs
