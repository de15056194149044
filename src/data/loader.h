#pragma once
#include <cstdint>
#include <vector>

#include "data/batch.h"
#include "data/dataset.h"

namespace vitrine {

// Turns an example into its part of a batch: [CLS], masking, targets. Masks are a function of (seed, epoch, example); evaluation
// uses epoch kEvaluationEpoch, so its masks never change.
constexpr uint32_t kEvaluationEpoch = 0xFFFFFFFF;

class Collator {
 public:
  Collator(const TargetSettings& target, int64_t vocabulary, uint64_t seed, std::vector<double> class_weights = {});
  void append(Batch& batch, const Example& example, int64_t sequence, uint32_t epoch) const;
  void finish(Batch& batch) const;  // sets the weights
 private:
  TargetSettings target_;
  int64_t vocabulary_;
  uint64_t seed_;
  std::vector<double> class_weights_;
};

// Batches of an endless training run: every epoch in an order that is a function of (seed, epoch). Its place is two numbers.
class Loader {
 public:
  Loader(const Dataset& data, const Collator& collator, int64_t batch_size, int64_t batch_tokens, uint64_t seed);
  void next(Batch& batch);                       // refills it; allocates nothing once the batch has been large enough
  void seek(int64_t step);                       // as after `step` batches
  int64_t steps_per_epoch(int64_t epoch) const;  // with batch_tokens it may vary a little
  int64_t epoch() const;

 private:
  const Dataset& data_;
  const Collator& collator_;
  int64_t batch_size_, batch_tokens_;
  uint64_t seed_;
  int64_t epoch_ = 0, index_ = 0;
  std::vector<uint32_t> order_;
  Example example_;
};

// The batches of one evaluation, in file order: calls f(batch) for each.
template <class F>
void for_each_batch(const Dataset& data, const Collator& collator, int64_t batch_tokens, int64_t first, int64_t count, F f);

}  // namespace vitrine
