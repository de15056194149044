#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "data/dataset.h"
#include "data/loader.h"

namespace vitrine {

// What a loss or an accuracy has to be compared with. Losses are natural logarithms, means over the targets with a known class.
// Label smoothing and class weights are neither in them nor in the losses of HeadResult.
struct Floors {
  std::optional<double> uniform;  // ln K
  std::optional<double>
      unigram;                   // cross-entropy under the frequencies of the training targets (of a classifier: the class prior)
  std::optional<double> bigram;  // … given the token to the left; language models only
  std::optional<double> majority;  // accuracy of always answering the most frequent training target; unknown labels are wrong
  std::optional<double> entropy;   // mean of Dataset::entropy: nothing can do better
  std::optional<double> mean;      // of numbers: the squared error of always answering the mean of the training split
  std::vector<std::pair<std::string_view, double>> named() const;  // those that apply, by these names
};
struct LinkFloors {
  int64_t count = 0;              // targets of the split that carry a link of this class
  std::optional<double> unigram;  // of these, under the frequencies of the training targets that carry one
  std::optional<double> entropy;
};
struct SplitFloors {
  Floors all;
  std::vector<LinkFloors> links;  // parallel to Corpus::link_classes
};

// Floors of target k on sequences [first, first + count) of `split`, by FloorCounts. Of several labels, each by itself:
//   uniform ln 2;   unigram: p(c) = (n_c + 1)/(n + 2);   majority: share of sequences that hold exactly the labels with p(c) > ½
SplitFloors measure_floors(const Corpus& corpus, const std::vector<TargetSettings>& targets, size_t k, const Dataset& split,
                           const Collator& collator, int64_t first, int64_t count);

// Counts of the training split: targets c, and pairs of c with the token a to its left ([CLS] or nothing at the beginning). Where
// masking chooses the targets, every token counts as one. K: classes; of a language model all tokens but [MASK], [CLS], [SEP].
//   unigram: p(c) = (n_c + 1) / (n + K)
//   bigram:  p(c|a) = (n_ac + d_a p(c)) / (n_a + d_a), d_a the number of different c seen after a (Witten and Bell 1991, method C);
//            p(c) where a itself is to be predicted, and so is not seen
// At most kMostTokens tokens (kMostLinks sequences for links) are read, from sequences spread evenly over the split.
class FloorCounts {
 public:
  static constexpr int64_t kMostTokens = 2'000'000, kMostLinks = 5'000;

  // Of target number k of several.
  FloorCounts(const Corpus& corpus, const std::vector<TargetSettings>& targets, size_t k);
  FloorCounts(const Corpus& corpus, const TargetSettings& target) : FloorCounts(corpus, std::vector{target}, 0) {}
  ~FloorCounts();
  FloorCounts(FloorCounts&&) noexcept;

  // Of the targets that `collator` makes of sequences [first, first + count) in evaluation.
  SplitFloors measure(const Dataset& split, const Collator& collator, int64_t first, int64_t count) const;

 private:
  struct Unigram {
    std::vector<int64_t> counts;
    int64_t total = 0;
    void add(int32_t c) { ++counts[c], ++total; }
  };
  class Pairs;
  double probability(const Unigram& unigram, int32_t c) const;
  double probability(int32_t context, int32_t c) const;
  void count(const Example& example);

  TargetSettings target_;
  size_t index_;                  // of the batch's targets
  int64_t vocabulary_, classes_;  // V; K
  Unigram all_;
  std::vector<Unigram> links_;
  std::unique_ptr<Pairs> pairs_;
};

}  // namespace vitrine
