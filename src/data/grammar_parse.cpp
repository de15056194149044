#include <map>
#include <utility>

#include "base/file.h"
#include "data/grammar.h"
#include "data/grammar_lines.h"

namespace vitrine {
namespace {

constexpr size_t kMostTemplates = 20000, kMostSlots = 100, kMostSlotsOfAll = 2000000, kMostWords = 60000, kMostLists = 10000;

using Slot = Grammar::Slot;
using Argument = Grammar::Argument;

// An alternative of a rule, multiplied out.
struct Flat {
  double weight = 1;
  std::vector<Slot> slots;
  std::vector<int32_t> variables;  // the feature of each; those of the rule's parameters come first
  int32_t labels = 0;
};
struct Rule {
  std::string name;
  std::vector<std::string> parameters;
  std::vector<int32_t> features;  // of the parameters; −1 while it is not known
  std::vector<Flat> alternatives;
  size_t line = 0;
};
// A part of an alternative as it is written: a slot, or a use of a rule.
struct Item {
  Slot slot;
  const Rule* rule = nullptr;
  size_t column = 0;
};

class Parser {
 public:
  Parser(std::string_view text, std::string_view origin) : lines_(text, origin) {}

  Grammar parse() {
    while (lines_.next_line()) statement();
    finish_rule();
    if (!rules_.contains("sentence"))
      lines_.error_at(lines_.line(), 1, "there is no \"sentence\": nothing says what to generate");
    for (Flat& flat : rules_.at("sentence").alternatives)
      grammar_.templates.push_back({flat.weight, std::move(flat.slots), std::move(flat.variables), flat.labels, {}});
    for (Grammar::Template& t : grammar_.templates) {
      for (const Slot& slot : t.slots) t.hide.push_back(is_target(t, slot) ? focus_ : 1);
      const int64_t length = static_cast<int64_t>(t.slots.size());
      grammar_.shortest = grammar_.longest == 0 ? length : std::min(grammar_.shortest, length);
      grammar_.longest = std::max(grammar_.longest, length);
    }
    return std::move(grammar_);
  }

 private:
  void statement() {
    const auto first = lines_.peek();
    const auto begins = [&](std::string_view keyword) {
      if (!lines_.take(keyword)) return false;
      finish_rule();
      block_ = Block::kNone;
      return true;
    };
    if (begins("feature")) return feature();
    if (begins("class")) return word_class();
    if (begins("rule")) return rule();
    if (begins("sentence")) return sentence();
    if (begins("link")) return link();
    if (begins("focus")) {
      focus_ = lines_.weight("a weight");
      return lines_.expect_end();
    }
    if (block_ == Block::kClass) return class_words();
    if (block_ == Block::kRule) return alternative();
    lines_.error(first.column, "expected feature, class, rule, sentence, link or focus, got {}", lines_.got());
  }

  void feature() {
    const size_t column = lines_.column();
    Grammar::Feature f{lines_.lower("the name of a feature"), {}};
    if (find_feature(f.name) >= 0) lines_.error(column, "feature {} stands above already", f.name);
    lines_.expect(":");
    while (lines_.more()) {
      const size_t at = lines_.column();
      const std::string value = lines_.lower("a value");
      if (value == "any") lines_.error(at, "'any' cannot be a value");
      const std::pair place{static_cast<int32_t>(grammar_.features.size()), static_cast<int32_t>(f.values.size())};
      if (!values_.emplace(value, place).second) lines_.error(at, "value {} stands above already", value);
      f.values.push_back(value);
    }
    if (f.values.size() < 2) lines_.error(lines_.column(), "feature {}: expected at least two values", f.name);
    grammar_.features.push_back(std::move(f));
  }
  int32_t find_feature(std::string_view name) const {
    for (size_t i = 0; i < grammar_.features.size(); ++i)
      if (grammar_.features[i].name == name) return static_cast<int32_t>(i);
    return -1;
  }
  const std::string& feature_name(int32_t f) const { return grammar_.features[f].name; }
  size_t value_count(int32_t f) const { return grammar_.features[f].values.size(); }
  std::string new_capital_name(std::string_view what) {
    const size_t column = lines_.column();
    std::string name = lines_.upper(what);
    if (classes_.contains(name) || rules_.contains(name)) lines_.error(column, "{} stands above already", name);
    return name;
  }

  void word_class() {
    Grammar::WordClass c{new_capital_name("the name of a class"), {}, {}};
    size_t lists = 1;
    if (lines_.take("[")) {
      while (!lines_.take("]")) {
        const size_t at = lines_.column();
        const std::string name = lines_.lower("a feature");
        const int32_t f = find_feature(name);
        if (f < 0) lines_.error(at, "there is no feature {} above", name);
        if (std::count(c.features.begin(), c.features.end(), f) > 0) lines_.error(at, "feature {} is named twice", name);
        c.features.push_back(f);
        lists *= value_count(f);
        if (lists > kMostLists) lines_.error(at, "class {} has more than {} combinations of values", c.name, kMostLists);
      }
    }
    lines_.expect_end();
    c.lists.resize(lists);
    classes_[c.name] = current_class_ = static_cast<int32_t>(grammar_.classes.size());
    grammar_.classes.push_back(std::move(c));
    block_ = Block::kClass;
  }

  // "feminine singular: queen girl": words of every combination of values that has those named.
  void class_words() {
    Grammar::WordClass& c = grammar_.classes[current_class_];
    std::vector<int32_t> wanted(c.features.size(), -1);
    if (!lines_.take("any") && lines_.peek().is(":")) lines_.error(lines_.column(), "expected values, or any, before ':'");
    while (!lines_.take(":")) {
      if (!lines_.more()) lines_.error(lines_.column(), "expected ':' and words; a class has lines such as \"any: cat dog\"");
      const size_t at = lines_.column();
      const std::string name = lines_.lower("a value");
      const auto value = values_.find(name);
      if (value == values_.end()) lines_.error(at, "there is no value {} above", name);
      const auto [feature, number] = value->second;
      const auto place = std::find(c.features.begin(), c.features.end(), feature);
      if (place == c.features.end()) lines_.error(at, "class {} has no feature {}", c.name, feature_name(feature));
      int32_t& chosen = wanted[place - c.features.begin()];
      if (chosen >= 0) lines_.error(at, "feature {} has a value already", feature_name(feature));
      chosen = number;
    }
    if (!lines_.more()) lines_.error(lines_.column(), "expected words");
    while (lines_.more()) {
      const size_t at = lines_.column();
      const std::string text = lines_.lower("a word");
      const int32_t word = intern(text, at);
      const double weight = lines_.take_glued("*") ? lines_.weight("the weight of a word") : 1;
      for (size_t i = 0; i < c.lists.size(); ++i) {
        Grammar::WordList& list = c.lists[i];
        if (!agrees(c, i, wanted)) continue;
        if (std::count(list.words.begin(), list.words.end(), word) > 0)
          lines_.error(at, "{} has the word {} already{}", c.name, text, describe(c, i, " for "));
        list.words.push_back(word);
        list.probability.push_back(weight);
      }
    }
  }
  // Has list i of a class the wanted values? −1: any.
  bool agrees(const Grammar::WordClass& c, size_t i, const std::vector<int32_t>& wanted) const {
    for (size_t f = c.features.size(); f-- > 0; i /= value_count(c.features[f]))
      if (wanted[f] >= 0 && i % value_count(c.features[f]) != static_cast<size_t>(wanted[f])) return false;
    return true;
  }
  std::string describe(const Grammar::WordClass& c, size_t i, const std::string& before) const {
    std::string values;
    for (size_t f = c.features.size(); f-- > 0; i /= value_count(c.features[f]))
      values = grammar_.features[c.features[f]].values[i % value_count(c.features[f])] + (values.empty() ? "" : " ") + values;
    return values.empty() ? "" : before + values;
  }
  int32_t intern(const std::string& word, size_t column) {
    for (const char ch : word)
      if (ch >= 'A' && ch <= 'Z') lines_.error(column, "'{}': words are written in lower case", word);
    const auto [at, fresh] = words_.try_emplace(word, static_cast<int32_t>(grammar_.words.size()));
    if (fresh) grammar_.words.push_back(word);
    if (grammar_.words.size() > kMostWords) lines_.error(column, "more than {} different words", kMostWords);
    return at->second;
  }

  void rule() {
    rule_ = {};
    rule_.name = new_capital_name("the name of a rule");
    if (lines_.take("[")) {
      while (!lines_.take("]")) {
        const size_t at = lines_.column();
        const std::string parameter = lines_.lower("a variable");
        if (values_.contains(parameter)) lines_.error(at, "{} is a value, not a variable", parameter);
        if (std::count(rule_.parameters.begin(), rule_.parameters.end(), parameter) > 0)
          lines_.error(at, "{} is named twice", parameter);
        rule_.parameters.push_back(parameter);
      }
    }
    lines_.expect_end();
    rule_.features.assign(rule_.parameters.size(), -1);
    rule_.line = lines_.line();
    block_ = Block::kRule;
  }
  void sentence() {
    if (rules_.contains("sentence")) lines_.error(1, "sentence stands above already");
    lines_.take(":");
    lines_.expect_end();
    rule_ = {"sentence", {}, {}, {}, lines_.line()};
    block_ = Block::kRule;
  }

  // "3: the NOUN[n] NEAR the THING": every choice for the rules in it, multiplied out.
  void alternative() {
    variables_ = rule_.parameters;
    variable_features_ = rule_.features;
    labels_.clear();
    const double weight = lines_.weight("the weight of an alternative");
    lines_.expect(":");
    if (!lines_.more()) lines_.error(lines_.column(), "expected words, classes or rules");
    std::vector<Item> items;
    while (lines_.more()) items.push_back(item());
    std::copy_n(variable_features_.begin(), rule_.features.size(), rule_.features.begin());

    std::vector<Flat> flats{{weight, {}, variable_features_, static_cast<int32_t>(labels_.size())}};
    for (const Item& i : items) {
      if (i.rule == nullptr) {
        for (Flat& flat : flats) flat.slots.push_back(i.slot);
      } else {
        if (flats.size() * i.rule->alternatives.size() > kMostTemplates)
          lines_.error(i.column, "{} has more than {} forms with this", rule_.name, kMostTemplates);
        std::vector<Flat> product;
        for (const Flat& left : flats)
          for (const Flat& right : i.rule->alternatives) product.push_back(join(left, right, i.slot.arguments));
        flats = std::move(product);
      }
      if (flats.front().slots.size() > kMostSlots) lines_.error(i.column, "a sentence of more than {} words", kMostSlots);
    }
    if (rule_.alternatives.size() + flats.size() > kMostTemplates)
      lines_.error(1, "{} has more than {} forms with this", rule_.name, kMostTemplates);
    for (const Flat& flat : flats) {
      slots_of_all_ += flat.slots.size();
      for (const Slot& slot : flat.slots)
        for (const Grammar::WordList& list : grammar_.classes[slot.word_class].lists)
          if (slot.label >= 0 && list.words.size() < static_cast<size_t>(flat.labels))
            lines_.error(1, "{} labels want as many different words, and {} has a list of {}", flat.labels,
                         grammar_.classes[slot.word_class].name, list.words.size());
    }
    if (slots_of_all_ > kMostSlotsOfAll) lines_.error(1, "the rules multiply out to more than {} words", kMostSlotsOfAll);
    std::move(flats.begin(), flats.end(), std::back_inserter(rule_.alternatives));
  }

  Item item() {
    Item out;
    out.column = lines_.column();
    if (lines_.peek().word() && !lines_.peek().capital()) {
      out.slot.word_class = literal(lines_.lower("a word"), out.column);
      return out;
    }
    const std::string name = lines_.upper("a word in lower case, or a class or a rule");
    const auto word_class = classes_.find(name);
    const auto rule = rules_.find(name);
    if (word_class == classes_.end() && rule == rules_.end())
      lines_.error(out.column, "there is no class or rule {} above; what a rule uses stands before it", name);
    if (word_class != classes_.end()) {
      const Grammar::WordClass& c = grammar_.classes[word_class->second];
      out.slot.word_class = word_class->second;
      out.slot.arguments = arguments(name, out.column, c.features);
      require_words(c, out.slot, out.column);
      if (lines_.take_glued("=")) label(out.slot);
    } else {
      out.rule = &rule->second;
      out.slot.arguments = arguments(name, out.column, rule->second.features);
      if (lines_.peek().is("=")) lines_.error(lines_.column(), "only the word of a class can return, and {} is a rule", name);
    }
    return out;
  }
  int32_t literal(const std::string& text, size_t column) {
    const int32_t word = intern(text, column);
    const auto [at, fresh] = literals_.try_emplace(word, static_cast<int32_t>(grammar_.classes.size()));
    if (fresh) grammar_.classes.push_back({"", {}, {{{word}, {1.0}}}});
    return at->second;
  }

  std::vector<Argument> arguments(const std::string& name, size_t column, const std::vector<int32_t>& features) {
    std::vector<Argument> out;
    if (lines_.take_glued("[")) {
      while (!lines_.take("]")) {
        const size_t at = lines_.column();
        const std::string text = lines_.lower("a variable or a value");
        if (out.size() == features.size())
          lines_.error(at, "{} takes {} feature(s): {} is too many", name, features.size(), text);
        const int32_t wanted = features[out.size()];
        if (const auto value = values_.find(text); value != values_.end()) {
          if (value->second.first != wanted) lines_.error(at, "{} is not a value of {}", text, feature_name(wanted));
          out.push_back({-1, value->second.second});
          continue;
        }
        const size_t v = std::find(variables_.begin(), variables_.end(), text) - variables_.begin();
        if (v == variables_.size()) {
          variables_.push_back(text);
          variable_features_.push_back(-1);
        }
        if (variable_features_[v] < 0) variable_features_[v] = wanted;
        if (variable_features_[v] != wanted)
          lines_.error(at, "variable {} stands for a {}, here a {} is wanted", text, feature_name(variable_features_[v]),
                       feature_name(wanted));
        out.push_back({static_cast<int32_t>(v), 0});
      }
    }
    if (out.size() != features.size()) lines_.error(column, "{} takes {} feature(s), got {}", name, features.size(), out.size());
    return out;
  }
  // Every combination of values that can come up has a word.
  void require_words(const Grammar::WordClass& c, const Slot& slot, size_t column) const {
    std::vector<int32_t> wanted;
    for (const Argument& a : slot.arguments) wanted.push_back(a.variable >= 0 ? -1 : a.value);
    for (size_t i = 0; i < c.lists.size(); ++i)
      if (agrees(c, i, wanted) && c.lists[i].words.empty())
        lines_.error(column, "{} has no words{}", c.name, describe(c, i, " for "));
  }
  void label(Slot& slot) {
    const size_t at = lines_.column();
    const std::string name = lines_.lower("a label");
    slot.label = static_cast<int32_t>(labels_.size());
    const auto [first, fresh] = labels_.try_emplace(name, slot);
    if (fresh) return;
    slot.label = first->second.label;
    const auto same = [](const Argument& a, const Argument& b) { return a.variable == b.variable && a.value == b.value; };
    if (first->second.word_class != slot.word_class ||
        !std::equal(slot.arguments.begin(), slot.arguments.end(), first->second.arguments.begin(), same))
      lines_.error(at, "label {} stands for a word of another class or other features", name);
  }

  static Flat join(const Flat& left, const Flat& right, const std::vector<Argument>& arguments) {
    Flat out = left;
    out.weight *= right.weight;
    out.labels += right.labels;
    const int32_t parameters = static_cast<int32_t>(arguments.size()),
                  shift = static_cast<int32_t>(left.variables.size()) - parameters;
    out.variables.insert(out.variables.end(), right.variables.begin() + parameters, right.variables.end());
    for (Slot slot : right.slots) {
      for (Argument& a : slot.arguments) {
        if (a.variable >= parameters)
          a.variable += shift;
        else if (a.variable >= 0)
          a = arguments[a.variable];
      }
      if (slot.label >= 0) slot.label += left.labels;
      out.slots.push_back(std::move(slot));
    }
    return out;
  }

  void finish_rule() {
    if (block_ != Block::kRule) return;
    double sum = 0;
    for (const Flat& flat : rule_.alternatives) sum += flat.weight;
    for (Flat& flat : rule_.alternatives) flat.weight /= sum;
    if (rule_.alternatives.empty())
      lines_.error_at(rule_.line, 1, fmt::format("{} has no alternatives; write lines such as \"1: the NOUN\"", rule_.name));
    for (size_t p = 0; p < rule_.parameters.size(); ++p)
      if (rule_.features[p] < 0)
        lines_.error_at(rule_.line, 1, fmt::format("variable {} of {} is never used", rule_.parameters[p], rule_.name));
    rules_[rule_.name] = std::move(rule_);
  }

  void link() {
    const size_t at = lines_.column();
    Grammar::LinkRule out{lines_.quoted("the name of a link"), -1, {}};
    for (const Grammar::LinkRule& other : grammar_.links)
      if (other.name == out.name) lines_.error(at, "link \"{}\" stands above already", out.name);
    lines_.expect(":");
    const size_t column = lines_.column();
    if (const std::string name = lines_.lower("a feature, or copy"); name != "copy") {
      out.feature = find_feature(name);
      if (out.feature < 0) lines_.error(column, "there is no feature {} above", name);
    }
    lines_.expect("of");
    do {
      const size_t place = lines_.column();
      const std::string name = lines_.upper("a class");
      const auto c = classes_.find(name);
      if (c == classes_.end()) lines_.error(place, "there is no class {} above", name);
      const std::vector<int32_t>& features = grammar_.classes[c->second].features;
      if (out.feature >= 0 && std::count(features.begin(), features.end(), out.feature) == 0)
        lines_.error(place, "class {} has no feature {}", name, feature_name(out.feature));
      out.classes.push_back(c->second);
    } while (lines_.more());
    grammar_.links.push_back(std::move(out));
  }

  // May the slot be the target of a link: does another slot say its feature, or repeat its word?
  bool is_target(const Grammar::Template& t, const Slot& slot) const {
    for (const Grammar::LinkRule& rule : grammar_.links) {
      if (std::count(rule.classes.begin(), rule.classes.end(), slot.word_class) == 0) continue;
      const int32_t variable = link_variable(grammar_, rule, slot);
      for (const Slot& other : t.slots) {
        if (&other == &slot) continue;
        if (rule.feature < 0 && slot.label >= 0 && other.label == slot.label) return true;
        for (const Argument& a : other.arguments)
          if (variable >= 0 && a.variable == variable) return true;
      }
    }
    return false;
  }

  enum class Block { kNone, kClass, kRule };

  GrammarLines lines_;
  Grammar grammar_;
  Block block_ = Block::kNone;
  double focus_ = 1;
  size_t slots_of_all_ = 0;
  std::map<std::string, std::pair<int32_t, int32_t>> values_;  // of all features: (feature, value)
  std::map<std::string, int32_t> classes_, words_;
  std::map<int32_t, int32_t> literals_;  // word → the class that holds it alone
  std::map<std::string, Rule> rules_;    // finished ones
  int32_t current_class_ = 0;
  Rule rule_;  // the one being read
  // of the alternative being read
  std::vector<std::string> variables_;
  std::vector<int32_t> variable_features_;
  std::map<std::string, Slot> labels_;  // the first slot of each
};

}  // namespace

int32_t link_variable(const Grammar& grammar, const Grammar::LinkRule& rule, const Grammar::Slot& slot) {
  const std::vector<int32_t>& features = grammar.classes[slot.word_class].features;
  for (size_t f = 0; f < features.size(); ++f)
    if (features[f] == rule.feature) return slot.arguments[f].variable;
  return -1;
}

Grammar parse_grammar(std::string_view text, std::string_view origin) {
  Grammar grammar = Parser(text, origin).parse();
  for (Grammar::WordClass& c : grammar.classes) {
    for (Grammar::WordList& list : c.lists) {
      double sum = 0;
      for (const double w : list.probability) sum += w;
      for (double& w : list.probability) w /= sum;
    }
  }
  return grammar;
}

Grammar read_grammar(const std::string& path) { return parse_grammar(read_file(path), path); }

}  // namespace vitrine
