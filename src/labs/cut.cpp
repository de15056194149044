#include "labs/cut.h"

#include <algorithm>
#include <optional>
#include <regex>

#include "base/error.h"

namespace vitrine::labs {
namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// What a marker of this lab says: "lab softmax, causal: TEXT" is one of softmax and one of causal.
std::optional<std::string> marked(std::string_view line, std::string_view open, std::string_view close, std::string_view lab) {
  const size_t at = line.find(open);
  if (at == line.npos) return {};
  line.remove_prefix(at + open.size());
  const size_t colon = line.find(": ");
  if (colon == line.npos) return {};
  const std::string names = ", " + std::string(line.substr(0, colon)) + ",";
  if (names.find(", " + std::string(lab) + ",") == names.npos) return {};
  line.remove_prefix(colon + 2);
  return std::string(line.substr(0, close.empty() ? line.npos : line.find(close)));
}

std::string joined(const std::vector<std::string>& lines, size_t first, size_t end) {
  std::string out;
  for (size_t i = first; i < end; ++i) out += lines[i] + "\n";
  return out;
}

}  // namespace

std::vector<CutFunction> cut_functions(std::string_view source, std::string_view lab) {
  const std::vector<std::string> lines = lines_of(source);
  std::vector<CutFunction> out;
  for (size_t at = 0; at < lines.size(); ++at) {
    const std::optional<std::string> task = marked(lines[at], "// lab ", "", lab);
    if (!task) continue;
    size_t first = at, end = at;
    while (first > 0 && !lines[first - 1].empty()) --first;
    while (end < lines.size() && lines[end] != "  // lab: end") ++end;
    if (end + 1 >= lines.size() || lines[end + 1] != "}")
      fail(ErrorKind::kInternal, "lab {}: line {} begins what no `// lab: end` before the end of a function ends", lab, at + 1);
    size_t signature = first;
    while (signature < at && lines[signature].starts_with("//")) ++signature;
    std::string head = joined(lines, signature, at);
    if (const size_t member = head.find("CpuBackend::"); member != head.npos) {
      head.erase(member, 12);
      for (size_t newline = head.find('\n'); newline + 1 < head.size(); newline = head.find('\n', newline + 1))
        head.erase(newline + 1, std::min<size_t>(12, head.find_first_not_of(' ', newline + 1) - newline - 1));
    }
    const size_t bracket = head.find('('), brace = head.rfind(" {");
    if (bracket == head.npos || brace == head.npos)
      fail(ErrorKind::kInternal, "lab {}: line {} stands in no function", lab, at + 1);
    CutFunction f;
    f.name = head.substr(head.rfind(' ', bracket) + 1, bracket - head.rfind(' ', bracket) - 1);
    f.comment = joined(lines, first, signature);
    f.signature = head.substr(0, brace);
    f.task = *task;
    f.body = joined(lines, at + 1, end);
    out.push_back(std::move(f));
    at = end;
  }
  return out;
}

std::string cut_page(std::string_view page, std::string_view lab) {
  std::string out;
  bool hidden = false;
  for (const std::string& line : lines_of(page)) {
    if (hidden) {
      hidden = line != "<!-- lab: end -->";
      continue;
    }
    if (const auto question = marked(line, "<!-- lab ", " -->", lab)) {
      out += "> **" + *question + "**\n>\n> …\n";
      hidden = true;
    } else if (line.find("<!-- lab") == line.npos) {
      out += line + "\n";
    }
  }
  if (hidden) fail(ErrorKind::kInternal, "lab {}: its page has a question without `<!-- lab: end -->`", lab);
  static const std::regex link(R"(\[([^\]]+)\]\((?!http)[^)]*\))");
  return std::regex_replace(out, link, "$1");
}

std::string changed(const std::string& text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  if (from.empty() || at == text.npos || text.find(from, at + 1) != text.npos)
    fail(ErrorKind::kInternal, "'{}' stands not exactly once in what a lab cuts", from);
  return text.substr(0, at) + to + text.substr(at + from.size());
}

}  // namespace vitrine::labs
