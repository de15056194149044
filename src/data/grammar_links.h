#pragma once
#include <optional>
#include <vector>

#include "data/grammar.h"

namespace vitrine {

// Finds the links of a grammar's sentences. A candidate is a hidden word of a link's classes whose feature (or word) exactly one
// other word says; the enumeration then has the last word: the value must be certain with the source, evenly spread over all that
// is possible without it, and certain in the minimal pair.
class GrammarLinks {
 public:
  // `tokens`: the token of each word.
  GrammarLinks(const Grammar& grammar, const GrammarEnumerator& enumerator, std::vector<int32_t> tokens);

  const std::vector<LinkClass>& classes() const { return classes_; }
  // `sentence` is whole, its hidden position one of the first max_length. `draw`, uniform in [0, 1), chooses the pair. `lost` is
  // set where the source stands behind max_length.
  std::optional<Link> find(const Sentence& sentence, int64_t max_length, double draw, bool& lost) const;

 private:
  struct Candidate {
    int32_t source, value, pair_value, pair_word;
  };
  std::optional<Candidate> candidate(const Sentence& sentence, size_t rule, double draw) const;
  std::optional<Candidate> feature_candidate(const Sentence& sentence, const Grammar::LinkRule& rule, double draw) const;
  std::optional<Candidate> copy_candidate(const Sentence& sentence, size_t rule, double draw) const;
  std::vector<double> shares(size_t rule, std::span<const int32_t> words, int64_t target) const;
  bool confirmed(const Sentence& sentence, int64_t max_length, size_t rule, const Candidate& c) const;
  bool has_attractor(const Sentence& sentence, int64_t max_length, size_t rule, const Candidate& c) const;

  const Grammar& grammar_;
  const GrammarEnumerator& enumerator_;
  std::vector<int32_t> tokens_;
  std::vector<LinkClass> classes_;
  std::vector<std::vector<int32_t>> says_;     // [rule][word] the one value that the word has in all its classes; −1
  std::vector<std::vector<int32_t>> answers_;  // [rule][word] the value that it carries as a target; −1
};

}  // namespace vitrine
