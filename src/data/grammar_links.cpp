#include "data/grammar_links.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace vitrine {
namespace {

constexpr double kCertain = 1e-9;
constexpr int32_t kNone = -1, kSeveral = -2;

// The value of `feature` in list i of a class.
int32_t value_of(const Grammar& grammar, const Grammar::WordClass& c, int32_t feature, size_t i) {
  for (size_t f = c.features.size(); f-- > 0;) {
    const size_t n = grammar.features[c.features[f]].values.size();
    if (c.features[f] == feature) return static_cast<int32_t>(i % n);
    i /= n;
  }
  return kNone;
}

// The one value of `feature` that each word has in all its lists of these classes.
std::vector<int32_t> word_values(const Grammar& grammar, int32_t feature, const std::vector<int32_t>& classes) {
  std::vector<int32_t> out(grammar.words.size(), kNone);
  for (const int32_t number : classes) {
    const Grammar::WordClass& c = grammar.classes[number];
    for (size_t i = 0; i < c.lists.size(); ++i) {
      const int32_t value = value_of(grammar, c, feature, i);
      for (const int32_t w : c.lists[i].words)
        if (value != kNone) out[w] = out[w] == kNone || out[w] == value ? value : kSeveral;
    }
  }
  for (int32_t& value : out) value = std::max(value, kNone);
  return out;
}

size_t index(double draw, size_t n) { return std::min(n - 1, static_cast<size_t>(draw * static_cast<double>(n))); }

}  // namespace

GrammarLinks::GrammarLinks(const Grammar& grammar, const GrammarEnumerator& enumerator, std::vector<int32_t> tokens)
    : grammar_(grammar), enumerator_(enumerator), tokens_(std::move(tokens)) {
  std::vector<int32_t> all;
  for (size_t c = 0; c < grammar.classes.size(); ++c) all.push_back(static_cast<int32_t>(c));
  for (const Grammar::LinkRule& rule : grammar.links) {
    LinkClass& out = classes_.emplace_back(LinkClass{rule.name, {}, {}});
    if (rule.feature >= 0) {
      out.values = grammar.features[rule.feature].values;
      says_.push_back(word_values(grammar, rule.feature, all));
      answers_.push_back(word_values(grammar, rule.feature, rule.classes));
    } else {
      std::vector<int32_t> value(grammar.words.size(), kNone);
      for (const int32_t c : rule.classes) {
        for (const Grammar::WordList& list : grammar.classes[c].lists) {
          for (const int32_t w : list.words) {
            if (value[w] != kNone) continue;
            value[w] = static_cast<int32_t>(out.values.size());
            out.values.push_back(grammar.words[w]);
          }
        }
      }
      says_.push_back(value);
      answers_.push_back(value);
    }
    out.tokens.resize(out.values.size());
    for (size_t w = 0; w < grammar.words.size(); ++w)
      if (answers_.back()[w] >= 0) out.tokens[answers_.back()[w]].push_back(tokens_[w]);
  }
}

std::optional<GrammarLinks::Candidate> GrammarLinks::candidate(const Sentence& sentence, size_t rule, double draw) const {
  const Grammar::Slot& target = grammar_.templates[sentence.form].slots[sentence.hidden];
  const Grammar::LinkRule& link = grammar_.links[rule];
  if (std::count(link.classes.begin(), link.classes.end(), target.word_class) == 0) return {};
  if (answers_[rule][sentence.words[sentence.hidden]] < 0) return {};
  return link.feature < 0 ? copy_candidate(sentence, rule, draw) : feature_candidate(sentence, link, draw);
}

// The source is the one other slot that shares the target's variable and whose word is impossible under its other values.
std::optional<GrammarLinks::Candidate> GrammarLinks::feature_candidate(const Sentence& sentence, const Grammar::LinkRule& rule,
                                                                       double draw) const {
  const std::vector<Grammar::Slot>& slots = grammar_.templates[sentence.form].slots;
  const int32_t variable = link_variable(grammar_, rule, slots[sentence.hidden]);
  if (variable < 0) return {};
  const int32_t value = sentence.values[variable];
  const auto count = static_cast<int32_t>(grammar_.features[rule.feature].values.size());
  std::vector<int32_t> values = sentence.values;
  const auto place_in_list = [&](size_t s, int32_t x) {  // of the slot's word in its list for value x; −1
    values[variable] = x;
    const std::vector<int32_t>& words = grammar_.list(slots[s], values).words;
    const auto at = std::find(words.begin(), words.end(), sentence.words[s]);
    return at == words.end() ? -1 : static_cast<int32_t>(at - words.begin());
  };
  int32_t source = kNone;
  for (size_t s = 0; s < slots.size(); ++s) {
    bool decides = static_cast<int32_t>(s) != sentence.hidden;
    for (int32_t x = 0; decides && x < count; ++x) decides = x == value || place_in_list(s, x) < 0;
    if (!decides) continue;
    if (source != kNone) return {};
    source = static_cast<int32_t>(s);
  }
  if (source == kNone) return {};
  const auto pair_value = static_cast<int32_t>((value + 1 + index(draw, count - 1)) % count);
  const auto place = static_cast<size_t>(place_in_list(source, value));
  values[variable] = pair_value;
  const std::vector<int32_t>& words = grammar_.list(slots[source], values).words;
  return Candidate{source, value, pair_value, words[place % words.size()]};
}

std::optional<GrammarLinks::Candidate> GrammarLinks::copy_candidate(const Sentence& sentence, size_t rule, double draw) const {
  const std::vector<Grammar::Slot>& slots = grammar_.templates[sentence.form].slots;
  const int32_t label = slots[sentence.hidden].label;
  if (label < 0) return {};
  int32_t source = kNone;
  for (size_t s = 0; s < slots.size(); ++s) {
    if (slots[s].label != label || static_cast<int32_t>(s) == sentence.hidden) continue;
    if (source != kNone) return {};
    source = static_cast<int32_t>(s);
  }
  if (source == kNone) return {};
  std::vector<int32_t> free;
  for (const int32_t w : grammar_.list(slots[source], sentence.values).words)
    if (std::count(sentence.words.begin(), sentence.words.end(), w) == 0) free.push_back(w);
  if (free.empty()) return {};
  const int32_t word = free[index(draw, free.size())];
  return Candidate{source, answers_[rule][sentence.words[sentence.hidden]], answers_[rule][word], word};
}

// p(value of the target | the visible words), over the words that carry a value.
std::vector<double> GrammarLinks::shares(size_t rule, std::span<const int32_t> words, int64_t target) const {
  std::vector<double> p, out(classes_[rule].values.size());
  enumerator_.joint(words, target, p);
  double sum = 0;
  for (size_t w = 0; w < p.size(); ++w) {
    if (answers_[rule][w] < 0) continue;
    out[answers_[rule][w]] += p[w];
    sum += p[w];
  }
  for (double& x : out) x = sum > 0 ? x / sum : 0;
  return out;
}

bool GrammarLinks::confirmed(const Sentence& sentence, int64_t max_length, size_t rule, const Candidate& c) const {
  const std::span whole(sentence.words);
  std::vector<int32_t> words(whole.begin(), whole.begin() + std::min<int64_t>(max_length, std::ssize(whole)));
  words[sentence.hidden] = GrammarEnumerator::kOpen;
  if (shares(rule, words, sentence.hidden)[c.value] < 1 - kCertain) return false;
  words[c.source] = c.pair_word;
  if (shares(rule, words, sentence.hidden)[c.pair_value] < 1 - kCertain) return false;
  words[c.source] = GrammarEnumerator::kOpen;
  const std::vector<double> without = shares(rule, words, sentence.hidden);
  const double chance = without[c.value];
  return chance < 1 - kCertain && without[c.pair_value] > 0 &&
         std::all_of(without.begin(), without.end(), [&](double x) { return x == 0 || std::abs(x - chance) < kCertain; });
}

bool GrammarLinks::has_attractor(const Sentence& sentence, int64_t max_length, size_t rule, const Candidate& c) const {
  const int64_t length = std::min<int64_t>(max_length, std::ssize(sentence.words));
  for (int64_t s = 0; s < length; ++s) {
    const int32_t value = says_[rule][sentence.words[s]];
    if (s != sentence.hidden && value >= 0 && value != c.value &&
        std::abs(s - sentence.hidden) < std::abs(c.source - sentence.hidden))
      return true;
  }
  return false;
}

std::optional<Link> GrammarLinks::find(const Sentence& sentence, int64_t max_length, double draw, bool& lost) const {
  lost = false;
  for (size_t rule = 0; rule < grammar_.links.size(); ++rule) {
    const std::optional<Candidate> c = candidate(sentence, rule, draw);
    if (!c) continue;
    if (c->source >= max_length) {
      lost = true;
      continue;
    }
    if (!confirmed(sentence, max_length, rule, *c)) continue;
    Link link{static_cast<int32_t>(rule), sentence.hidden, {c->source}, c->value, c->pair_value, {}, false};
    link.attractor = has_attractor(sentence, max_length, rule, *c);
    for (size_t s = 0; s < sentence.words.size() && static_cast<int64_t>(s) < max_length; ++s)
      link.pair.push_back(tokens_[sentence.words[s]]);
    link.pair[c->source] = tokens_[c->pair_word];
    link.pair[sentence.hidden] = Tokenizer::kMask;
    return link;
  }
  return {};
}

}  // namespace vitrine
