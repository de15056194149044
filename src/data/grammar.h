#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/rng.h"
#include "data/dataset.h"

namespace vitrine {

// A grammar file, read and multiplied out: rules may only use what stands above them, so they have no recursion and the sentences
// fall into finitely many templates. The probability of a sentence is a sum over them,
//   p(w_1 … w_T) = Σ_template p(template) Σ_x Π_v p(x_v) Π_s p(w_s | class of s, values x of its variables),
// with x_v uniform; a labelled slot ("NAME=a") repeats the word of its first occurrence, and differs from words of other labels.
struct Grammar {
  struct Feature {
    std::string name;
    std::vector<std::string> values;
  };
  struct WordList {  // the words of a class under one combination of values
    std::vector<int32_t> words;
    std::vector<double> probability;
  };
  struct WordClass {  // a word that stands in a rule itself is a class without a name, with one word
    std::string name;
    std::vector<int32_t> features;
    std::vector<WordList> lists;  // by values, the last feature fastest
  };
  struct Argument {
    int32_t variable = -1;  // −1: the constant `value`
    int32_t value = 0;
  };
  struct Slot {
    int32_t word_class = 0;
    std::vector<Argument> arguments;  // one for each feature of the class
    int32_t label = -1;
  };
  struct Template {
    double probability = 1;
    std::vector<Slot> slots;
    std::vector<int32_t> variables;  // the feature of each
    int32_t labels = 0;
    std::vector<double> hide;  // weight with which each slot is the hidden one
  };
  struct LinkRule {
    std::string name;
    int32_t feature = -1;  // −1: copy
    std::vector<int32_t> classes;
  };
  std::vector<std::string> words;
  std::vector<Feature> features;
  std::vector<WordClass> classes;
  std::vector<Template> templates;
  std::vector<LinkRule> links;
  int64_t shortest = 0, longest = 0;  // tokens of a sentence

  const WordList& list(const Slot& slot, std::span<const int32_t> values) const;  // values: of the template's variables
};

// Error{kData} with file, line and column. `origin` is the name of the file in messages.
Grammar parse_grammar(std::string_view text, std::string_view origin);
Grammar read_grammar(const std::string& path);

// The variable from which a slot takes the feature of a link; −1: none, it is constant.
int32_t link_variable(const Grammar& grammar, const Grammar::LinkRule& rule, const Grammar::Slot& slot);

// A sentence and how it was made.
struct Sentence {
  int32_t form = 0;             // its template
  std::vector<int32_t> values;  // of the template's variables
  std::vector<int32_t> words;   // cut to max_length
  int32_t hidden = 0;           // the one position that is masked
};

// Draws sentence `row` of a stream: a pure function of (key, row). The hidden position is one of the first max_length.
class GrammarSampler {
 public:
  GrammarSampler(const Grammar& grammar, int64_t max_length);
  int32_t form(const RngKey& key, uint32_t row) const;
  void sample(const RngKey& key, uint32_t row, Sentence& out) const;

 private:
  const Grammar& grammar_;
  int64_t max_length_;
  std::vector<double> cumulative_;  // over templates
};

// What the grammar says of a sentence in which some words are not known. Exact: a sum over all templates and all values.
class GrammarEnumerator {
 public:
  static constexpr int32_t kOpen = -1;  // a word that is not known

  GrammarEnumerator(const Grammar& grammar, int64_t max_length);
  // out[w] = p(word `target` is w, target is the hidden position, the other words are as they stand), over the vocabulary; all
  // 0 where the grammar cannot say that. A sentence of max_length words may be the beginning of a longer one.
  void joint(std::span<const int32_t> words, int64_t target, std::vector<double>& out) const;
  double probability(std::span<const int32_t> words) const;  // of a whole sentence; 0: not of this language

 private:
  struct Match;
  const Grammar& grammar_;
  int64_t max_length_;
  std::vector<std::vector<char>> may_be_;                 // [class][word]
  std::vector<std::vector<std::vector<double>>> chance_;  // [class][list][word]
};

// The corpus of `data: {kind: grammar}`: sentence i of a split is a pure function of (seed, split, i). Nothing is stored.
Corpus load_grammar_corpus(const DataSettings& data, const std::vector<TargetSettings>& targets, uint64_t seed,
                           Learned learned = {});

}  // namespace vitrine
