#pragma once
#include <cstdint>
#include <vector>

#include "data/batch.h"
#include "data/dataset.h"
#include "data/epoch_order.h"

namespace vitrine {

// Masks are a function of (seed, epoch, example); evaluation uses epoch kEvaluationEpoch, so its masks never change.
constexpr uint32_t kEvaluationEpoch = 0xFFFFFFFF;

// Turns an example into its part of a batch: [CLS], masking, targets. T: its tokens without [CLS].
//   masked: exactly max(1, round(rate·T)) of them are predicted; of these 80 % are replaced by [MASK], 10 % by a random token (never
//           a special one), 10 % stay (Devlin et al. 2019, §3.1). [SEP] is none of them. An example that names its masked position has that one, by [MASK].
//   next:   row i predicts token i+1 ([CLS] the first one); the last row predicts `next`, or nothing where there is none.
//   label:  one class a sequence, −1 for an unknown one.
//   tags:   the tag of each word at its first piece, −1 for an unknown one.
//   labels: C zeros and ones a sequence.
//   value:  (value − mean) / deviation.
// With several targets all read the same sequence: what masking hides is hidden from every head. A batch in which nothing is predicted
// is legal and has weight 0.
class Collator {
 public:
  Collator(const TargetSettings& target, int64_t vocabulary, uint64_t seed, std::vector<double> class_weights = {});
  // One of the batch's Targets for each of `targets`; labels: how many classes kLabels has.
  Collator(std::vector<TargetSettings> targets, int64_t vocabulary, uint64_t seed, std::vector<std::vector<double>> class_weights,
           int64_t labels = 0, ValueScale scale = {});
  void append(Batch& batch, const Example& example, int64_t sequence, uint32_t epoch) const;
  void finish(Batch& batch) const;  // sets the weights: targets with a class, or the sum of their class weights
  int64_t extra() const { return prepend_cls_ ? 1 : 0; }  // tokens that it adds to a sequence
  int64_t labels() const { return labels_; }
  const std::vector<TargetSettings>& targets() const { return targets_; }
  void reserve(Batch& batch, int64_t tokens, int64_t sequences) const;

 private:
  void mask(Batch& batch, Targets& targets, double rate, const Example& example, int64_t sequence, uint32_t epoch) const;
  void ask(Batch& batch, size_t k, const Example& example, int64_t sequence, uint32_t epoch) const;

  std::vector<TargetSettings> targets_;
  bool prepend_cls_;
  int64_t vocabulary_;
  uint64_t seed_;
  std::vector<std::vector<double>> class_weights_;  // for each target: by class, or empty
  int64_t labels_;
  ValueScale scale_;
};

// Batches of an endless training run: every epoch in an order that is a function of (seed, epoch), a text with its cuts moved by
// one, too. A batch has batch_size sequences, or, where batch_tokens > 0, as many in that order as fit into batch_tokens tokens
// with [CLS] (one that is longer stands alone); the last of an epoch may be smaller. Its place is one number, the steps done.
class Loader {
 public:
  Loader(const Dataset& data, const Collator& collator, int64_t batch_size, int64_t batch_tokens, uint64_t seed);
  void next(Batch& batch);                       // refills it; allocates nothing once it has been called with this batch
  void seek(int64_t step);                       // as after `step` batches
  int64_t steps_per_epoch(int64_t epoch) const;  // with batch_tokens it may vary a little
  int64_t epoch() const { return epoch_; }       // of the last batch

 private:
  void draw_order(int64_t epoch, EpochOrder& order) const;
  int64_t end_of_batch(const EpochOrder& order, int64_t begin) const;
  void start(int64_t epoch);
  void reserve(Batch& batch);  // for the largest batch that there can be

  const Dataset& data_;
  const Collator& collator_;
  int64_t batch_size_, batch_tokens_;
  uint64_t seed_;
  int64_t longest_ = 0;                        // with [CLS]
  int64_t epoch_ = 0, index_ = 0, shift_ = 0;  // index_: sequences of this epoch that are done
  EpochOrder order_;
  Example example_;
};

// The batches of one evaluation: sequences [first, first + count) in file order, at most batch_tokens tokens each (but at least one
// sequence): calls f(const Batch&) for each.
template <class F>
void for_each_batch(const Dataset& data, const Collator& collator, int64_t batch_tokens, int64_t first, int64_t count, F f) {
  Batch batch;
  Example example;
  for (int64_t i = first; i < first + count;) {
    batch.clear();
    do {
      data.read(i, example);
      collator.append(batch, example, i, kEvaluationEpoch);
      ++i;
    } while (i < first + count && batch.size() + data.length(i) + collator.extra() <= batch_tokens);
    collator.finish(batch);
    f(static_cast<const Batch&>(batch));
  }
}

}  // namespace vitrine
