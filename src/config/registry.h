#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/value.h"

namespace vitrine {

struct Config;

// A key has a meaning only while another one, `key`, has one of these values: of a list, in one element.
struct Condition {
  std::string key;
  std::vector<std::string> values;
};

// A word that sets another key too: `kind: causal` is short for `kind: full` with `causal: true`.
struct Implication {
  std::string word, key, value;
};

// What a word of a choice stands for.
struct Meaning {
  std::string word, formula, source;
};

// One key of a configuration, or a section of keys. Each is described once, in describe_*.cpp, and bound to its member there;
// reading, `config show` and `config explain` walk over this tree and know no key by name.
class Key {
 public:
  Key(std::string its_name, std::string its_path, std::string about)
      : name(std::move(its_name)), path(std::move(its_path)), summary(std::move(about)) {}

  std::string name, path;                      // learning_rate, optimizer.learning_rate
  std::string summary;                         // one sentence
  std::unique_ptr<Value> value;                // of a key; none: a section
  std::vector<std::unique_ptr<Key>> children;  // of a section
  // Of a section that may be a list of such sections: describes it with its defaults, as a list of n, named 0, 1, …, or as one.
  std::function<void(Key& section, size_t n)> make_list;
  bool is_list = false;
  std::vector<std::string> shorthand;  // the children that a bare value sets: `dropout: 0.1`, `position: learned`
  std::vector<Condition> conditions;
  std::vector<Implication> implications;
  std::vector<Meaning> meanings;  // of the words of a choice
  std::string rival;              // of two siblings of which one is meant, the other
  bool one_needed = false;        // one of the two
  bool needed = false;            // an error if it is missing while its conditions hold
  std::string default_note;       // what the default is when it is not a constant

  Key& section(std::string child, std::string about) { return add(std::move(child), std::move(about), nullptr); }
  Key& number(std::string child, double& member, Range range, std::string about) {
    return add(std::move(child), std::move(about), std::make_unique<NumberValue>(member, range));
  }
  Key& numbers(std::string child, double& first, double& second, Range range, std::string about) {
    return add(std::move(child), std::move(about), std::make_unique<NumberPairValue>(first, second, range));
  }
  Key& integer(std::string child, int64_t& member, Range range, std::string about) {
    return add(std::move(child), std::move(about), std::make_unique<IntegerValue>(member, range));
  }
  Key& integers(std::string child, std::vector<int64_t>& member, Range range, std::string about) {
    return add(std::move(child), std::move(about), std::make_unique<IntegersValue>(member, range));
  }
  Key& boolean(std::string child, bool& member, std::string about) {
    return add(std::move(child), std::move(about), std::make_unique<BooleanValue>(member));
  }
  Key& text(std::string child, std::string& member, TextValue::Form form, std::string about) {
    return add(std::move(child), std::move(about), std::make_unique<TextValue>(member, form));
  }
  Key& texts(std::string child, std::vector<std::string>& member, std::string about) {
    return add(std::move(child), std::move(about), std::make_unique<TextListValue>(member));
  }
  Key& files(std::string child, std::string& tokens, FilesBeside& beside, std::string about) {
    return add(std::move(child), std::move(about), std::make_unique<FilesValue>(tokens, beside));
  }
  Key& columns(std::string child, std::vector<std::string>& member, std::string about) {
    return add(std::move(child), std::move(about), std::make_unique<ColumnsValue>(member));
  }
  Key& split(std::string child, SplitSource& member, std::string about) {
    return add(std::move(child), std::move(about), std::make_unique<SplitValue>(member));
  }
  Key& weights(std::string child, std::map<std::string, double>& member, std::string about) {
    return add(std::move(child), std::move(about), std::make_unique<WeightsValue>(member));
  }
  Key& metric(std::string child, std::string& member, std::string about) {
    return add(std::move(child), std::move(about), std::make_unique<MetricValue>(member));
  }
  template <class T>
  Key& choice(std::string child, T& member, Words<T> words, std::string about) {
    return add(std::move(child), std::move(about), std::make_unique<ChoiceValue<T>>(member, std::move(words)));
  }

  Key& when(std::string key, std::vector<std::string> values) {
    return conditions.push_back({std::move(key), std::move(values)}), *this;
  }
  Key& word(std::string text, double means) { return value->word = {std::move(text), means}, *this; }
  Key& optional() { return value->optional = true, *this; }
  Key& required() { return needed = true, *this; }
  Key& instead_of(std::string sibling, bool one_of_them_needed) {
    return rival = std::move(sibling), one_needed = one_of_them_needed, *this;
  }
  Key& implies(std::string text, std::string key, std::string its_value) {
    return implications.push_back({std::move(text), std::move(key), std::move(its_value)}), *this;
  }
  Key& defaults_to(std::string note) { return default_note = std::move(note), *this; }

  Key* find(std::string_view dotted);  // null: there is none
  const Key* find(std::string_view dotted) const { return const_cast<Key*>(this)->find(dotted); }
  // The same of each element where a list lies on the way: model.attention.kind is model.attention.0.kind and model.attention.1.kind.
  std::vector<const Key*> find_all(std::string_view dotted) const;
  std::vector<std::string> names() const;  // of the children

 private:
  Key& add(std::string child, std::string about, std::unique_ptr<Value> bound);
};

// The whole tree, bound to `config`, which must outlive it and must still hold its defaults: one objective, and one attention for all
// blocks, are described as a map, several as a list.
std::unique_ptr<Key> describe(Config& config);

// The condition that does not hold with the present values; null: the key has a meaning.
const Condition* unmet_condition(const Key& root, const Key& key);

template <class F>  // f(key) for every key and section below, in the order of the file
void for_each_key(Key& key, const F& f) {
  for (const auto& child : key.children) {
    f(*child);
    for_each_key(*child, f);
  }
}

}  // namespace vitrine
