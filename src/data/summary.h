#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "data/dataset.h"

namespace vitrine {

using Counts = std::vector<std::pair<std::string, int64_t>>;

// What one split holds, as a model sees it: behind the cut, and without [CLS].
struct SplitSummary {
  std::string name;  // train | validation | test
  int64_t sequences = 0, tokens = 0;
  std::vector<int64_t> lengths;                   // [longest of the corpus + 1] how many sequences have t tokens
  int64_t shortest = 0, longest = 0, median = 0;  // of the lengths; the lower one of two in the middle
  int64_t unknown = 0;                            // tokens that are [UNK]
  Counts unknown_words;                           // the most frequent texts of them, where there is a text
  std::vector<int64_t> labels, tags;              // of each label and tag of the corpus: sequences, or words
  int64_t unlabelled = 0;                         // labels that the training split lacks
  Counts unknown_tags;                            // those that it lacks, with their words
  int64_t values = 0;                             // sequences with a number
  double least = 0, mean = 0, greatest = 0;       // of the numbers
  int64_t repeated = 0;                           // sequences whose text stood in this split before
  int64_t contradicted = 0;                       // of them: with another label than there
};

// Sequences of one split whose text stands in another, earlier one, too: what is learnt there is not tested here.
struct Leak {
  std::string split, in;
  int64_t sequences = 0;
  std::vector<std::string> examples;  // a few texts, each once, in the order of `split`
};

struct CorpusSummary {
  std::vector<SplitSummary> splits;
  std::vector<Leak> leaks;
};

// Reads every sequence once, on this many threads; the summary is the same on any number. Texts are equal when the bytes between the
// beginning of their first token and the end of their last are, hashed to 64 bits (of 3,000 corpora with 10⁸ sequences, one has a pair that is
// taken for equal wrongly); where data have no text, when their tokens are.
CorpusSummary summarize(const Corpus& corpus, int threads);

}  // namespace vitrine
