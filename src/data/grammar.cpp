#include "data/grammar.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace vitrine {
namespace {

// Columns of a sentence's random numbers.
constexpr uint32_t kForm = 0, kHidden = 1, kVariables = 2, kSlots = 1u << 16;

// The i with Σ_{j<i} w_j ≤ u·Σw < Σ_{j≤i} w_j, over those that are not skipped.
template <class Skip>
size_t pick(std::span<const double> weights, double u, Skip skip) {
  double sum = 0;
  for (size_t i = 0; i < weights.size(); ++i)
    if (!skip(i)) sum += weights[i];
  double rest = u * sum;
  size_t last = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    if (skip(i)) continue;
    last = i;
    if ((rest -= weights[i]) < 0) break;
  }
  return last;
}
size_t pick(std::span<const double> weights, double u) {
  return pick(weights, u, [](size_t) { return false; });
}

size_t list_index(const Grammar& grammar, const Grammar::Slot& slot, std::span<const int32_t> values) {
  const Grammar::WordClass& c = grammar.classes[slot.word_class];
  size_t i = 0;
  for (size_t f = 0; f < c.features.size(); ++f) {
    const Grammar::Argument& a = slot.arguments[f];
    i = i * grammar.features[c.features[f]].values.size() + (a.variable >= 0 ? values[a.variable] : a.value);
  }
  return i;
}

}  // namespace

const Grammar::WordList& Grammar::list(const Slot& slot, std::span<const int32_t> values) const {
  return classes[slot.word_class].lists[list_index(*this, slot, values)];
}

GrammarSampler::GrammarSampler(const Grammar& grammar, int64_t max_length) : grammar_(grammar), max_length_(max_length) {
  double sum = 0;
  for (const Grammar::Template& t : grammar.templates) cumulative_.push_back(sum += t.probability);
}

int32_t GrammarSampler::form(const RngKey& key, uint32_t row) const {
  const double u = key.uniform(row, kForm) * cumulative_.back();
  const auto at = std::upper_bound(cumulative_.begin(), cumulative_.end() - 1, u);
  return static_cast<int32_t>(at - cumulative_.begin());
}

void GrammarSampler::sample(const RngKey& key, uint32_t row, Sentence& out) const {
  out.form = form(key, row);
  const Grammar::Template& t = grammar_.templates[out.form];
  const size_t length = std::min<size_t>(t.slots.size(), max_length_);
  out.hidden = static_cast<int32_t>(pick(std::span(t.hide).first(length), key.uniform(row, kHidden)));
  out.values.resize(t.variables.size());
  for (size_t v = 0; v < t.variables.size(); ++v) {
    const size_t count = grammar_.features[t.variables[v]].values.size();
    out.values[v] = static_cast<int32_t>(key.below(static_cast<uint32_t>(count), row, kVariables + static_cast<uint32_t>(v)));
  }
  out.words.clear();
  for (size_t s = 0; s < length; ++s) {
    const Grammar::Slot& slot = t.slots[s];
    const Grammar::WordList& list = grammar_.list(slot, out.values);
    if (list.words.size() == 1 && slot.label < 0) {
      out.words.push_back(list.words[0]);
      continue;
    }
    // A labelled word returns; a new label takes a word that no other label has.
    int32_t word = -1;
    const auto taken = [&](size_t i) {
      for (size_t r = 0; slot.label >= 0 && r < s; ++r)
        if (t.slots[r].label >= 0 && out.words[r] == list.words[i]) return true;
      return false;
    };
    for (size_t r = 0; slot.label >= 0 && r < s; ++r)
      if (t.slots[r].label == slot.label) word = out.words[r];
    if (word < 0) word = list.words[pick(list.probability, key.uniform(row, kSlots + static_cast<uint32_t>(s)), taken)];
    out.words.push_back(word);
  }
}

GrammarEnumerator::GrammarEnumerator(const Grammar& grammar, int64_t max_length) : grammar_(grammar), max_length_(max_length) {
  const size_t vocabulary = grammar.words.size();
  for (const Grammar::WordClass& c : grammar.classes) {
    std::vector<char> may(vocabulary);
    std::vector<std::vector<double>> chance;
    for (const Grammar::WordList& list : c.lists) {
      std::vector<double>& p = chance.emplace_back(vocabulary);
      for (size_t i = 0; i < list.words.size(); ++i) {
        p[list.words[i]] = list.probability[i];
        may[list.words[i]] = 1;
      }
    }
    may_be_.push_back(std::move(may));
    chance_.push_back(std::move(chance));
  }
}

// One template against one sentence: walks through the values of its variables, then through the words of its labels.
struct GrammarEnumerator::Match {
  const GrammarEnumerator& e;
  const Grammar::Template& t;
  std::span<const int32_t> words;
  int64_t target;
  std::vector<double>& out;
  std::vector<int32_t> values = {}, labels = {};  // of each variable; of each label its word, kOpen where none is visible

  double p(const Grammar::Slot& slot, int32_t word) const {
    return e.chance_[slot.word_class][list_index(e.grammar_, slot, values)][word];
  }
  size_t length() const { return words.size(); }

  bool bind_labels() {
    labels.assign(t.labels, kOpen);
    for (size_t s = 0; s < length(); ++s) {
      const int32_t label = t.slots[s].label;
      if (label < 0 || words[s] == kOpen) continue;
      if (labels[label] != kOpen && labels[label] != words[s]) return false;
      labels[label] = words[s];
    }
    return true;
  }

  void walk_variables(size_t v, double weight) {
    if (v < t.variables.size()) {
      const size_t count = e.grammar_.features[t.variables[v]].values.size();
      for (size_t x = 0; x < count; ++x) {
        values[v] = static_cast<int32_t>(x);
        // A slot is decided once its last variable has its value.
        double product = weight / static_cast<double>(count);
        for (const size_t s : decided[v]) product *= p(t.slots[s], words[s]);
        if (product > 0) walk_variables(v + 1, product);
      }
      return;
    }
    walk_labels(0, weight);
  }

  // Labels in the order of their first slots; a word that another label has already taken is not drawn again.
  void walk_labels(size_t at, double weight) {
    if (at == label_order.size()) return finish(weight);
    const auto& [label, slot] = label_order[at];
    const std::vector<double>& chance = e.chance_[t.slots[slot].word_class][list_index(e.grammar_, t.slots[slot], values)];
    double left = 1;
    for (size_t i = 0; i < at; ++i) left -= chance[labels[label_order[i].first]];
    const auto draw = [&, label = label](int32_t word) {
      for (size_t i = 0; i < at; ++i)
        if (labels[label_order[i].first] == word) return;
      if (chance[word] > 0) walk_labels_with(at, label, word, weight * chance[word] / left);
    };
    if (labels[label] != kOpen) return draw(labels[label]);
    for (const int32_t word : e.grammar_.list(t.slots[slot], values).words) draw(word);
  }
  void walk_labels_with(size_t at, int32_t label, int32_t word, double weight) {
    const int32_t before = std::exchange(labels[label], word);
    walk_labels(at + 1, weight);
    labels[label] = before;
  }

  void finish(double weight) {
    const Grammar::Slot& slot = t.slots[target];
    if (slot.label >= 0) {
      out[labels[slot.label]] += weight;
    } else if (words[target] != kOpen) {
      out[words[target]] += weight;
    } else {
      const Grammar::WordList& list = e.grammar_.list(slot, values);
      for (size_t i = 0; i < list.words.size(); ++i) out[list.words[i]] += weight * list.probability[i];
    }
  }

  void run() {
    if (!bind_labels()) return;
    double hide = 0, weight = t.probability;
    for (size_t s = 0; s < length(); ++s) hide += t.hide[s];
    weight *= t.hide[target] / hide;
    values.assign(t.variables.size(), 0);
    decided.resize(t.variables.size());
    std::vector<char> seen(t.labels);
    for (size_t s = 0; s < length(); ++s) {
      const Grammar::Slot& slot = t.slots[s];
      if (slot.label >= 0) {
        if (!std::exchange(seen[slot.label], 1)) label_order.emplace_back(slot.label, s);
        continue;
      }
      if (words[s] == kOpen) continue;
      int32_t last = -1;
      for (const Grammar::Argument& a : slot.arguments) last = std::max(last, a.variable);
      if (last >= 0)
        decided[last].push_back(s);
      else
        weight *= p(slot, words[s]);
    }
    if (weight > 0) walk_variables(0, weight);
  }

  std::vector<std::vector<size_t>> decided = {};             // [variable] visible slots without label
  std::vector<std::pair<int32_t, size_t>> label_order = {};  // (label, its first slot)
};

void GrammarEnumerator::joint(std::span<const int32_t> words, int64_t target, std::vector<double>& out) const {
  check(target >= 0 && target < static_cast<int64_t>(words.size()), "the target is a position of the sentence");
  out.assign(grammar_.words.size(), 0);
  const bool cut = static_cast<int64_t>(words.size()) == max_length_;
  for (const Grammar::Template& t : grammar_.templates) {
    if (cut ? t.slots.size() < words.size() : t.slots.size() != words.size()) continue;
    bool possible = true;
    for (size_t s = 0; possible && s < words.size(); ++s)
      possible = words[s] == kOpen || may_be_[t.slots[s].word_class][words[s]] != 0;
    if (possible) Match{*this, t, words, target, out}.run();
  }
}

double GrammarEnumerator::probability(std::span<const int32_t> words) const {
  if (words.empty()) return 0;
  // Σ over the hidden position of p(words, hidden position).
  double sum = 0;
  std::vector<double> out;
  for (size_t i = 0; i < words.size(); ++i) {
    joint(words, static_cast<int64_t>(i), out);
    sum += out[words[i]];
  }
  return sum;
}

}  // namespace vitrine
