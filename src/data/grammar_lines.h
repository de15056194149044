#pragma once
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace vitrine {

// The lines of a grammar file as tokens: words, quoted texts and the characters : [ ] = *. '#' begins a comment. Every error
// says file:line:column, columns counted in bytes from 1.
class GrammarLines {
 public:
  struct Token {
    std::string_view text;  // empty: the end of the line
    size_t column = 0;
    bool glued = false;  // nothing stands between it and the token before
    bool is(std::string_view s) const { return text == s; }
    bool quoted() const { return !text.empty() && text[0] == '"'; }
    bool word() const { return !text.empty() && !quoted() && !is_punctuation(text[0]); }
    bool capital() const { return word() && text[0] >= 'A' && text[0] <= 'Z'; }
  };

  GrammarLines(std::string_view text, std::string_view origin) : text_(text), origin_(origin) {}

  // The next line that is not empty; false at the end of the file.
  bool next_line() {
    while (!text_.empty()) {
      const size_t end = std::min(text_.find('\n'), text_.size());
      ++line_;
      split(text_.substr(0, end));
      text_.remove_prefix(std::min(end + 1, text_.size()));
      if (!tokens_.empty()) return true;
    }
    return false;
  }

  bool more() const { return next_ < tokens_.size(); }
  Token peek() const { return more() ? tokens_[next_] : Token{{}, end_column_, false}; }
  size_t line() const { return line_; }
  size_t column() const { return peek().column; }

  bool take(std::string_view s) {
    if (!peek().is(s)) return false;
    ++next_;
    return true;
  }
  bool take_glued(std::string_view s) { return peek().glued && take(s); }
  void expect(std::string_view s) {
    if (!take(s)) error(column(), "expected '{}', got {}", s, got());
  }
  void expect_end() const {
    if (more()) error(column(), "expected the end of the line, got {}", got());
  }
  std::string lower(std::string_view what) {
    if (!peek().word() || peek().capital()) error(column(), "expected {} in lower case, got {}", what, got());
    return std::string(tokens_[next_++].text);
  }
  std::string upper(std::string_view what) {
    if (!peek().capital()) error(column(), "expected {} in capitals, got {}", what, got());
    return std::string(tokens_[next_++].text);
  }
  std::string quoted(std::string_view what) {
    if (!peek().quoted() || peek().text.size() < 3) error(column(), "expected {} in quotes, got {}", what, got());
    const std::string_view text = tokens_[next_++].text;
    return std::string(text.substr(1, text.size() - 2));
  }
  double weight(std::string_view what) {
    const std::string text(peek().text);
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != 0 || !std::isfinite(value) || value < 1e-6 || value > 1e6)
      error(column(), "expected {}, a number from 1e-6 to 1e6, got {}", what, got());
    ++next_;
    return value;
  }

  std::string got() const { return more() ? fmt::format("'{}'", peek().text) : "the end of the line"; }
  template <class... A>
  [[noreturn]] void error(size_t column, fmt::format_string<A...> format, A&&... arguments) const {
    error_at(line_, column, fmt::format(format, std::forward<A>(arguments)...));
  }
  [[noreturn]] void error_at(size_t line, size_t column, const std::string& message) const {
    fail(ErrorKind::kData, "{}:{}:{}: {}", origin_, line, column, message);
  }

 private:
  static bool is_punctuation(char c) { return c == ':' || c == '[' || c == ']' || c == '=' || c == '*'; }
  static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

  void split(std::string_view line) {
    tokens_.clear();
    next_ = 0;
    size_t i = 0;
    for (size_t begin = 0; i < line.size() && line[i] != '#'; begin = i) {
      if (is_blank(line[i])) {
        ++i;
        continue;
      }
      if (line[i] == '"') {
        i = line.find('"', i + 1);
        if (i == std::string_view::npos) error(begin + 1, "this quote is not closed on its line");
        ++i;
      } else if (is_punctuation(line[i])) {
        ++i;
      } else {
        for (; i < line.size() && !is_blank(line[i]) && !is_punctuation(line[i]) && line[i] != '#' && line[i] != '"'; ++i)
          if (static_cast<unsigned char>(line[i]) < 0x20)
            error(i + 1, "a control character (byte {})", static_cast<int>(line[i]));
      }
      tokens_.push_back({line.substr(begin, i - begin), begin + 1, begin > 0 && !is_blank(line[begin - 1])});
    }
    end_column_ = i + 1;
  }

  std::string_view text_, origin_;
  std::vector<Token> tokens_;
  size_t next_ = 0, line_ = 0, end_column_ = 1;
};

}  // namespace vitrine
