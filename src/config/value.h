#pragma once
#include <cstdint>
#include <limits>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "config/yaml_tree.h"
#include "data/settings.h"

namespace vitrine {

// What a number may be. Text for people: "a positive number", "a whole number of at least 1".
struct Range {
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
  bool low_open = false, high_open = false;

  bool contains(double x) const { return (low_open ? x > low : x >= low) && (high_open ? x < high : x <= high); }
  std::string text(bool whole) const;
};
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNoLimit = 1e9;  // limits from here on only keep arithmetic from overflowing; people are not told
constexpr Range kPositive{0, kInfinity, true, false};
constexpr Range kShare{0, 1, false, true};     // 0 ≤ x < 1
constexpr Range kOpenShare{0, 1, true, true};  // 0 < x < 1
constexpr Range kFraction{0, 1, true, false};  // 0 < x ≤ 1
constexpr Range kUnit{0, 1, false, false};     // 0 ≤ x ≤ 1
constexpr Range at_least(double low) { return {low, kInfinity, false, false}; }
constexpr Range between(double low, double high) { return {low, high, false, false}; }

// Where paths are written from: empty leaves them as they are, "/" makes them absolute, else they are rewritten relative to this
// directory, unless they are absolute.
struct WriteContext {
  std::string directory;
};

// A word that stands for a special number: `threads: auto` is 0.
struct Word {
  std::string text;
  double means = 0;
};

// One member of the settings, bound to one key: how text becomes the member and the member text. Made while the member still has its
// default.
class Value {
 public:
  virtual ~Value() = default;
  // False leaves the member as it is; `help` may then say more.
  virtual bool read(const Node& node, const Source& source, std::string& help) = 0;
  virtual std::string write(const WriteContext& context) const = 0;  // as YAML; empty: nothing is set
  virtual std::string expected() const = 0;                          // "a positive number"
  virtual void reset() = 0;                                          // to the default
  virtual std::vector<std::string> words() const { return {}; }      // of a choice: all that it can be
  virtual nlohmann::ordered_json schema() const;                     // what may stand in a file, as JSON Schema 2020-12

  Word word;              // allowed besides numbers; empty: none
  bool optional = false;  // of a number or a text: its default means that nothing is set
};

template <class T>
class Bound : public Value {
 public:
  explicit Bound(T& member) : member_(member), default_(member) {}
  void reset() override { member_ = default_; }

 protected:
  T& member_;
  const T default_;
};

// Strict scalars: decimal, finite, not quoted.
bool parse_integer(const Node& node, int64_t& out, std::string& help);
bool parse_number(const Node& node, double& out, std::string& help);
std::string write_number(double x);               // 1.0e-04: a number to every YAML reader, and the same double when read back
std::string write_text(const std::string& text);  // quoted where a reader could take it for something else

// A path as it stands in a file → relative to the working directory, and back.
std::string path_from(const std::string& directory, const std::string& path);
std::string path_relative_to(const std::string& directory, const std::string& path);

class IntegerValue : public Bound<int64_t> {
 public:
  IntegerValue(int64_t& member, Range range) : Bound(member), range_(range) {}
  bool read(const Node& node, const Source&, std::string& help) override;
  std::string write(const WriteContext&) const override;
  std::string expected() const override { return range_.text(true); }
  nlohmann::ordered_json schema() const override;

 private:
  Range range_;
};

// One number, or a list of several.
class IntegersValue : public Bound<std::vector<int64_t>> {
 public:
  IntegersValue(std::vector<int64_t>& member, Range range) : Bound(member), range_(range) {}
  bool read(const Node& node, const Source& source, std::string& help) override;
  std::string write(const WriteContext&) const override;
  std::string expected() const override { return range_.text(true) + ", or a list of such numbers"; }
  nlohmann::ordered_json schema() const override;

 private:
  Range range_;
};

class NumberValue : public Bound<double> {
 public:
  NumberValue(double& member, Range range) : Bound(member), range_(range) {}
  bool read(const Node& node, const Source&, std::string& help) override;
  std::string write(const WriteContext&) const override;
  std::string expected() const override { return range_.text(false); }
  nlohmann::ordered_json schema() const override;

 private:
  Range range_;
};

class NumberPairValue : public NumberValue {
 public:
  NumberPairValue(double& first, double& second, Range range) : NumberValue(first, range), second_(second, range) {}
  bool read(const Node& node, const Source& source, std::string& help) override;
  std::string write(const WriteContext& context) const override;
  std::string expected() const override { return "a list of two, each " + NumberValue::expected(); }
  nlohmann::ordered_json schema() const override;
  void reset() override {
    NumberValue::reset();
    second_.reset();
  }

 private:
  NumberValue second_;
};

class BooleanValue : public Bound<bool> {
 public:
  using Bound::Bound;
  bool read(const Node& node, const Source&, std::string& help) override;
  std::string write(const WriteContext&) const override { return member_ ? "true" : "false"; }
  std::string expected() const override { return "true or false"; }
  nlohmann::ordered_json schema() const override;
};

class TextValue : public Bound<std::string> {
 public:
  enum class Form { kText, kPath, kName };  // kName: of a folder, without separators
  TextValue(std::string& member, Form form) : Bound(member), form_(form) {}
  bool read(const Node& node, const Source& source, std::string& help) override;
  std::string write(const WriteContext& context) const override;
  std::string expected() const override;
  nlohmann::ordered_json schema() const override;

 private:
  Form form_;
};

class TextListValue : public Bound<std::vector<std::string>> {
 public:
  using Bound::Bound;
  bool read(const Node& node, const Source&, std::string& help) override;
  std::string write(const WriteContext&) const override;
  std::string expected() const override { return "a list of texts"; }
  nlohmann::ordered_json schema() const override;
};

// The name of a column, or a list of two.
class ColumnsValue : public Bound<std::vector<std::string>> {
 public:
  using Bound::Bound;
  bool read(const Node& node, const Source&, std::string& help) override;
  std::string write(const WriteContext&) const override;
  std::string expected() const override { return "the name of a column, or a list of two"; }
  nlohmann::ordered_json schema() const override;
};

// A file, or parallel files: {tokens: a, tags: b, labels: c}, the last as one likes.
class FilesValue : public TextValue {
 public:
  FilesValue(std::string& tokens, FilesBeside& beside) : TextValue(tokens, Form::kPath), beside_(beside) {}
  bool read(const Node& node, const Source& source, std::string& help) override;
  std::string write(const WriteContext& context) const override;
  nlohmann::ordered_json schema() const override;
  void reset() override {
    TextValue::reset();
    beside_ = {};
  }

 private:
  FilesBeside& beside_;
};

// Files, or a share of the training file.
class SplitValue : public Bound<SplitSource> {
 public:
  using Bound::Bound;
  bool read(const Node& node, const Source& source, std::string& help) override;
  std::string write(const WriteContext& context) const override;
  std::string expected() const override { return "the path of a file, or " + kOpenShare.text(false); }
  nlohmann::ordered_json schema() const override;
};

// Label → weight.
class WeightsValue : public Bound<std::map<std::string, double>> {
 public:
  using Bound::Bound;
  bool read(const Node& node, const Source&, std::string& help) override;
  std::string write(const WriteContext&) const override;
  std::string expected() const override { return "a map from label to positive weight"; }
  nlohmann::ordered_json schema() const override;
};

// One of several words, each standing for a value of the member.
template <class T>
using Words = std::vector<std::pair<std::string, T>>;

std::string closest_word_help(const std::string& word, const std::vector<std::string>& words);
std::string one_of(const std::vector<std::string>& words);

template <class T>
class ChoiceValue : public Bound<T> {
 public:
  ChoiceValue(T& member, Words<T> words) : Bound<T>(member), words_(std::move(words)) {}
  bool read(const Node& node, const Source&, std::string& help) override {
    if (node.kind != Node::Kind::kScalar) return false;
    for (const auto& [name, value] : words_)
      if (name == node.text) return this->member_ = value, true;
    help = closest_word_help(node.text, words());
    return false;
  }
  std::string write(const WriteContext&) const override {
    for (const auto& [name, value] : words_)
      if (value == this->member_) return write_text(name);
    return {};
  }
  std::string expected() const override { return one_of(words()); }
  std::vector<std::string> words() const override {
    std::vector<std::string> all;
    for (const auto& [name, value] : words_) all.push_back(name);
    return all;
  }

 private:
  Words<T> words_;
};

// The name of a metric, alone or under the objective that it is measured of.
class MetricValue : public ChoiceValue<std::string> {
 public:
  explicit MetricValue(std::string& member);
  std::string expected() const override { return one_of(plain_); }

 private:
  std::vector<std::string> plain_;  // without objectives
};

}  // namespace vitrine
