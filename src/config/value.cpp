#include "config/value.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>

#include "config/suggest.h"
#include "train/metrics.h"

namespace vitrine {
namespace fs = std::filesystem;
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// [+-] digits [. digits] [e [+-] digits], with a digit before or after the point.
bool is_number(std::string_view s, bool& whole) {
  size_t i = !s.empty() && (s[0] == '-' || s[0] == '+') ? 1 : 0;
  const auto digits = [&] {
    const size_t from = i;
    while (i < s.size() && is_digit(s[i])) ++i;
    return i - from;
  };
  size_t count = digits();
  whole = true;
  if (i < s.size() && s[i] == '.') ++i, whole = false, count += digits();
  if (count == 0) return false;
  if (i < s.size() && (s[i] == 'e' || s[i] == 'E')) {
    ++i, whole = false;
    if (i < s.size() && (s[i] == '-' || s[i] == '+')) ++i;
    if (digits() == 0) return false;
  }
  return i == s.size();
}

bool plain_number(const Node& node, bool& whole, std::string& help) {
  if (node.kind != Node::Kind::kScalar || !is_number(node.text, whole)) return false;
  if (node.quoted) help = "remove the quotes: between quotes it is a text";
  return !node.quoted;
}

void offer(const Word& word, std::string& help) {
  if (help.empty() && !word.text.empty()) help = fmt::format("the word `{}` is allowed too", word.text);
}

bool is(const Node& node, const Word& word) {
  return !word.text.empty() && node.kind == Node::Kind::kScalar && !node.quoted && node.text == word.text;
}

bool read_text(const Node& node, std::string& out) {
  if (node.kind != Node::Kind::kScalar) return false;
  out = node.text;
  return true;
}

}  // namespace

std::string Range::text(bool whole) const {
  const char* noun = whole ? "a whole number" : "a number";
  if (low == 0 && low_open && high == kInfinity) return "a positive number";
  if (high >= kNoLimit) return fmt::format("{} of at least {}", noun, low);
  if (!low_open && !high_open) return fmt::format("{} from {} to {}", noun, low, high);
  return fmt::format("{} x with {} {} x {} {}", noun, low, low_open ? "<" : "≤", high_open ? "<" : "≤", high);
}

bool parse_integer(const Node& node, int64_t& out, std::string& help) {
  bool whole = false;
  if (!plain_number(node, whole, help)) return false;
  if (!whole) return false;
  std::string_view digits = node.text;
  if (digits[0] == '+') digits.remove_prefix(1);
  const std::string_view magnitude = digits[0] == '-' ? digits.substr(1) : digits;
  if (magnitude.size() > 1 && magnitude[0] == '0') {
    help = "a leading zero could be read as octal; leave it out";
    return false;
  }
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    help = "this number is too large";
    return false;
  }
  return true;
}

bool parse_number(const Node& node, double& out, std::string& help) {
  bool whole = false;
  if (!plain_number(node, whole, help)) {
    if (node.kind == Node::Kind::kScalar && (node.text == ".inf" || node.text == ".nan")) help = "numbers must be finite";
    return false;
  }
  std::string_view digits = node.text;
  if (digits[0] == '+') digits.remove_prefix(1);
  if (whole && digits.size() > 1 && digits[digits[0] == '-'] == '0') {
    help = "a leading zero could be read as octal; leave it out";
    return false;
  }
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  if (error == std::errc::result_out_of_range || !std::isfinite(out)) help = "this number is too large or too small for a double";
  return error == std::errc() && std::isfinite(out);
}

std::string write_number(double x) {
  if (x != 0 && (std::abs(x) < 1e-3 || std::abs(x) >= 1e7)) {
    char buffer[40];
    const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, x, std::chars_format::scientific);
    std::string s(buffer, end);
    if (s.find('.') == std::string::npos) s.insert(s.find('e'), ".0");
    return s;
  }
  char buffer[40];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, x, std::chars_format::fixed);
  std::string s(buffer, end);
  return s.find('.') == std::string::npos ? s + ".0" : s;
}

std::string write_text(const std::string& text) {
  static const std::vector<std::string> kReserved = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"};
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const bool plain_start =
      !text.empty() && ((lower[0] >= 'a' && lower[0] <= 'z') || (lower[0] == '.' && text.find('/') < 4) || lower[0] == '/');
  if (plain_start &&
      std::all_of(lower.begin(), lower.end(),
                  [](char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '_' || c == '-' || c == '.' || c == '/'; }) &&
      std::find(kReserved.begin(), kReserved.end(), lower) == kReserved.end())
    return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      out += {'\\', c};
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      out += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
    else
      out += c;
  }
  return out + "\"";
}

// "a/../b" becomes "b" unless a link makes the two differ.
std::string path_from(const std::string& directory, const std::string& path) {
  const fs::path joined = fs::path(directory) / path;
  const fs::path normal = joined.lexically_normal();
  std::error_code error;
  const fs::path one = fs::weakly_canonical(fs::absolute(joined), error), two = fs::weakly_canonical(fs::absolute(normal), error);
  return (error || one != two ? joined : normal).string();
}

std::string path_relative_to(const std::string& directory, const std::string& path) {
  std::error_code error;
  if (directory == "/") return fs::weakly_canonical(fs::absolute(path), error).string();
  if (directory.empty() || fs::path(path).is_absolute()) return path;
  const fs::path from = fs::weakly_canonical(fs::absolute(directory), error),
                 to = fs::weakly_canonical(fs::absolute(path), error);
  const fs::path relative = to.lexically_relative(from);
  return error || relative.empty() ? fs::absolute(path).string() : relative.string();
}

bool IntegerValue::read(const Node& node, const Source&, std::string& help) {
  int64_t x = 0;
  if (is(node, word)) {
    member_ = static_cast<int64_t>(word.means);
    return true;
  }
  const bool parsed = parse_integer(node, x, help);
  if (!parsed || !range_.contains(static_cast<double>(x))) {
    if (parsed && static_cast<double>(x) > range_.high && range_.high >= kNoLimit) help = "this number is too large";
    return offer(word, help), false;
  }
  member_ = x;
  return true;
}

std::string IntegerValue::write(const WriteContext&) const {
  if (optional && member_ == default_) return {};
  if (!word.text.empty() && static_cast<double>(member_) == word.means) return word.text;
  if (!range_.contains(static_cast<double>(member_))) return {};  // batch_size where batch_tokens is meant
  return std::to_string(member_);
}

bool IntegersValue::read(const Node& node, const Source& source, std::string& help) {
  const bool list = node.kind == Node::Kind::kList;
  std::vector<int64_t> numbers(list ? node.items.size() : 1);
  for (size_t i = 0; i < numbers.size(); ++i)
    if (!IntegerValue(numbers[i], range_).read(list ? node.items[i] : node, source, help)) {
      if (list && help.empty()) help = fmt::format("item {} is {}", i + 1, node.items[i].spelled());
      return false;
    }
  if (numbers.empty()) return false;
  member_ = std::move(numbers);
  return true;
}

std::string IntegersValue::write(const WriteContext&) const {
  if (optional && member_ == default_) return {};
  return member_.size() == 1 ? std::to_string(member_[0]) : fmt::format("[{}]", fmt::join(member_, ", "));
}

bool NumberValue::read(const Node& node, const Source&, std::string& help) {
  double x = 0;
  if (is(node, word)) {
    member_ = word.means;
    return true;
  }
  if (!parse_number(node, x, help) || !range_.contains(x)) return offer(word, help), false;
  member_ = x;
  return true;
}

std::string NumberValue::write(const WriteContext&) const {
  if (optional && member_ == default_) return {};
  if (!word.text.empty() && member_ == word.means) return word.text;
  return write_number(member_);
}

bool BooleanValue::read(const Node& node, const Source&, std::string& help) {
  if (node.kind != Node::Kind::kScalar || (node.text != "true" && node.text != "false")) return false;
  if (node.quoted) {
    help = "remove the quotes: between quotes it is a text";
    return false;
  }
  member_ = node.text == "true";
  return true;
}

std::string TextValue::expected() const {
  return form_ == Form::kPath ? "the path of a file" : form_ == Form::kName ? "a name that can be a folder's" : "a text";
}

bool TextValue::read(const Node& node, const Source& source, std::string& help) {
  std::string text;
  if (!read_text(node, text)) return false;
  if (form_ != Form::kText && (text.empty() || text.find('\n') != std::string::npos || text.find('\0') != std::string::npos))
    return false;
  if (form_ == Form::kName && (text.find('/') != std::string::npos || text == "." || text == "..")) {
    help = "`--run-dir` chooses where a run is kept";
    return false;
  }
  member_ = form_ == Form::kPath ? path_from(source.directory, text) : text;
  return true;
}

std::string TextValue::write(const WriteContext& context) const {
  if ((form_ == Form::kPath || optional) && member_.empty()) return {};
  return write_text(form_ == Form::kPath ? path_relative_to(context.directory, member_) : member_);
}

bool NumberPairValue::read(const Node& node, const Source& source, std::string& help) {
  if (node.kind != Node::Kind::kList || node.items.size() != 2) return false;
  const double before = member_;
  for (size_t i = 0; i < 2; ++i) {
    if (i == 0 ? NumberValue::read(node.items[0], source, help) : second_.read(node.items[1], source, help)) continue;
    if (help.empty()) help = fmt::format("item {} is {}", i + 1, node.items[i].spelled());
    member_ = before;
    return false;
  }
  return true;
}

std::string NumberPairValue::write(const WriteContext& context) const {
  return fmt::format("[{}, {}]", NumberValue::write(context), second_.write(context));
}

bool TextListValue::read(const Node& node, const Source&, std::string& help) {
  if (node.kind != Node::Kind::kList) {
    if (node.kind == Node::Kind::kScalar) help = "write it between brackets: [\"…\", \"…\"]";
    return false;
  }
  std::vector<std::string> list(node.items.size());
  for (size_t i = 0; i < list.size(); ++i)
    if (!read_text(node.items[i], list[i])) {
      help = fmt::format("item {} is {}; a sentence with a comma or a colon needs quotes", i + 1, node.items[i].spelled());
      return false;
    }
  member_ = std::move(list);
  return true;
}

std::string TextListValue::write(const WriteContext&) const {
  std::vector<std::string> quoted;
  for (const std::string& text : member_) quoted.push_back(write_text(text));
  return fmt::format("[{}]", fmt::join(quoted, ", "));
}

bool ColumnsValue::read(const Node& node, const Source&, std::string& help) {
  const bool list = node.kind == Node::Kind::kList;
  std::vector<std::string> names(list ? node.items.size() : 1);
  if (list && names.size() != 2) {
    help = fmt::format("there are {}; a pair has two columns", names.size());
    return false;
  }
  for (size_t i = 0; i < names.size(); ++i)
    if (!read_text(list ? node.items[i] : node, names[i]) || names[i].empty()) return false;
  if (list && names[0] == names[1]) {
    help = fmt::format("a pair has two columns, and `{}` stands twice", names[0]);
    return false;
  }
  member_ = std::move(names);
  return true;
}

std::string ColumnsValue::write(const WriteContext&) const {
  if (member_.empty()) return {};
  return member_.size() == 1 ? write_text(member_[0]) : fmt::format("[{}, {}]", write_text(member_[0]), write_text(member_[1]));
}

namespace {

// {tokens: a, tags: b, labels: c}
bool read_parallel(const Node& node, const Source& source, std::string& tokens, FilesBeside& beside, std::string& help) {
  std::string paths[3];
  constexpr const char* kNames[] = {"tokens", "tags", "labels"};
  for (size_t i = 0; i < node.items.size(); ++i) {
    const auto name = std::find(std::begin(kNames), std::end(kNames), node.keys[i].text);
    if (name == std::end(kNames)) {
      help = fmt::format("`{}` is not one of {}", node.keys[i].text, fmt::join(kNames, ", "));
      return false;
    }
    std::string& path = paths[name - std::begin(kNames)];
    if (!TextValue(path, TextValue::Form::kPath).read(node.items[i], source, help)) {
      help = fmt::format("`{}` is {}", *name, node.items[i].spelled());
      return false;
    }
  }
  for (size_t i = 0; i < 2; ++i)
    if (paths[i].empty()) {
      help = fmt::format(
          "`{}` is missing: parallel files are {{tokens: FILE, tags: FILE}}, with `labels: FILE` where there are any", kNames[i]);
      return false;
    }
  tokens = paths[0], beside = {paths[1], paths[2]};
  return true;
}

std::string write_parallel(const std::string& tokens, const FilesBeside& beside, const WriteContext& context) {
  const auto path = [&](const std::string& p) { return write_text(path_relative_to(context.directory, p)); };
  return fmt::format("{{tokens: {}, tags: {}{}}}", path(tokens), path(beside.tags),
                     beside.labels.empty() ? "" : ", labels: " + path(beside.labels));
}

}  // namespace

bool FilesValue::read(const Node& node, const Source& source, std::string& help) {
  if (node.kind == Node::Kind::kMap) return read_parallel(node, source, member_, beside_, help);
  if (!TextValue::read(node, source, help)) return false;
  beside_ = {};
  return true;
}

std::string FilesValue::write(const WriteContext& context) const {
  return beside_.tags.empty() ? TextValue::write(context) : write_parallel(member_, beside_, context);
}

bool SplitValue::read(const Node& node, const Source& source, std::string& help) {
  if (node.kind == Node::Kind::kMap) {
    SplitSource files;
    if (!read_parallel(node, source, files.path, files.beside, help)) return false;
    member_ = std::move(files);
    return true;
  }
  if (node.kind != Node::Kind::kScalar || node.text.empty()) return false;
  bool whole = false;
  if (!node.quoted && is_number(node.text, whole)) {
    double share = 0;
    if (!parse_number(node, share, help) || !kOpenShare.contains(share)) {
      if (help.empty()) help = "leave the key out for no such split";
      return false;
    }
    member_ = {"", share, {}};
    return true;
  }
  member_ = {path_from(source.directory, node.text), 0, {}};
  return true;
}

std::string SplitValue::write(const WriteContext& context) const {
  if (!member_.given()) return {};
  if (!member_.beside.tags.empty()) return write_parallel(member_.path, member_.beside, context);
  return member_.path.empty() ? write_number(member_.share) : write_text(path_relative_to(context.directory, member_.path));
}

bool WeightsValue::read(const Node& node, const Source&, std::string& help) {
  if (node.kind != Node::Kind::kMap) return false;
  std::map<std::string, double> weights;
  for (size_t i = 0; i < node.items.size(); ++i) {
    double weight = 0;
    if (!parse_number(node.items[i], weight, help) || !kPositive.contains(weight)) {
      if (help.empty()) help = fmt::format("the weight of `{}` is {}", node.keys[i].text, node.items[i].spelled());
      return false;
    }
    weights[node.keys[i].text] = weight;
  }
  member_ = std::move(weights);
  return true;
}

std::string WeightsValue::write(const WriteContext&) const {
  if (member_.empty()) return {};
  std::vector<std::string> pairs;
  for (const auto& [label, weight] : member_) pairs.push_back(fmt::format("{}: {}", write_text(label), write_number(weight)));
  return fmt::format("{{{}}}", fmt::join(pairs, ", "));
}

namespace {

constexpr ObjectiveKind kKinds[] = {ObjectiveKind::kMaskedLm,
                                    ObjectiveKind::kCausalLm,
                                    ObjectiveKind::kSequenceClassification,
                                    ObjectiveKind::kTokenClassification,
                                    ObjectiveKind::kMultiLabelClassification,
                                    ObjectiveKind::kRegression};

Words<std::string> metric_words() {
  Words<std::string> words;
  for (const ObjectiveKind kind : kKinds)
    for (const std::string_view metric : metric_names(kind))
      if (std::none_of(words.begin(), words.end(), [&](const auto& word) { return word.first == metric; }))
        words.emplace_back(metric, metric);
  for (const ObjectiveKind kind : kKinds)
    for (const std::string_view metric : metric_names(kind)) {
      const std::string name = fmt::format("{}.{}", name_of(kind), metric);
      words.emplace_back(name, name);
    }
  return words;
}

}  // namespace

MetricValue::MetricValue(std::string& member) : ChoiceValue(member, metric_words()) {
  for (const auto& [name, value] : metric_words())
    if (name.find('.') == std::string::npos) plain_.push_back(name);
}

std::string closest_word_help(const std::string& word, const std::vector<std::string>& words) {
  const std::string near = meant(word, words);
  return near.empty() ? near : fmt::format("did you mean `{}`?", near);
}

std::string one_of(const std::vector<std::string>& words) {
  return words.size() == 1 ? "`" + words[0] + "`" : fmt::format("one of {}", fmt::join(words, ", "));
}

}  // namespace vitrine
