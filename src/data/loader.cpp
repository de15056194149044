#include "data/loader.h"

#include <algorithm>

#include "base/check.h"
#include "base/rng.h"

namespace vitrine {

Loader::Loader(const Dataset& data, const Collator& collator, int64_t batch_size, int64_t batch_tokens, uint64_t seed)
    : data_(data), collator_(collator), batch_size_(batch_size), batch_tokens_(batch_tokens), seed_(seed) {
  check(data.size() > 0 && data.size() <= int64_t{0xFFFFFFFF}, "a loader has 1 to 2^32 - 1 sequences");
  check(batch_size > 0 || batch_tokens > 0, "a batch has a size");
  for (int64_t i = 0; i < data.size(); ++i) longest_ = std::max(longest_, data.length(i) + collator.extra());
  start(0);
}

void Loader::draw_order(int64_t epoch, EpochOrder& order) const {
  order.draw(data_.size(), RngKey{seed_, 0, static_cast<uint32_t>(epoch)}.of(Purpose::kShuffle));
}

void Loader::start(int64_t epoch) {
  epoch_ = epoch, index_ = 0;
  draw_order(epoch, order_);
  const RngKey rng = RngKey{seed_, 0, static_cast<uint32_t>(epoch)}.of(Purpose::kShuffle, 1);
  shift_ = rng.below(static_cast<uint32_t>(data_.window()), 0, 0);
}

int64_t Loader::end_of_batch(const EpochOrder& order, int64_t begin) const {
  const int64_t n = order.size();
  if (batch_tokens_ <= 0) return std::min(n, begin + batch_size_);
  int64_t end = begin;
  for (int64_t tokens = 0; end < n; ++end) {
    tokens += data_.length(order[end]) + collator_.extra();
    if (tokens > batch_tokens_ && end > begin) break;
  }
  return end;
}

void Loader::reserve(Batch& batch) {
  const int64_t tokens = batch_tokens_ > 0 ? std::max(batch_tokens_, longest_) : std::min(batch_size_, data_.size()) * longest_;
  const int64_t sequences = batch_tokens_ > 0 ? std::min(tokens, data_.size()) : std::min(batch_size_, data_.size());
  collator_.reserve(batch, tokens, sequences);
  const int64_t read_tokens = longest_ + data_.window() + 1;
  example_.tokens.reserve(read_tokens);
  example_.types.reserve(read_tokens);
  example_.tags.reserve(read_tokens);
  example_.labels.reserve(collator_.labels());
  example_.pieces.reserve(read_tokens);
}

void Loader::next(Batch& batch) {
  if (index_ == data_.size()) start(epoch_ + 1);
  const int64_t end = end_of_batch(order_, index_);
  reserve(batch);
  batch.clear();
  for (; index_ < end; ++index_) {
    data_.read(order_[index_], example_, shift_);
    collator_.append(batch, example_, order_[index_], static_cast<uint32_t>(epoch_));
  }
  collator_.finish(batch);
}

int64_t Loader::steps_per_epoch(int64_t epoch) const {
  if (batch_tokens_ <= 0) return (data_.size() + batch_size_ - 1) / batch_size_;
  EpochOrder order;
  draw_order(epoch, order);
  int64_t steps = 0;
  for (int64_t at = 0; at < data_.size(); at = end_of_batch(order, at)) ++steps;
  return steps;
}

void Loader::seek(int64_t step) {
  if (batch_tokens_ <= 0) {
    const int64_t steps = steps_per_epoch(0), epochs = step > 0 ? (step - 1) / steps : 0;
    start(epochs);
    index_ = std::min(data_.size(), (step - epochs * steps) * batch_size_);
    return;
  }
  for (start(0); step > 0; --step) {
    if (index_ == data_.size()) start(epoch_ + 1);
    index_ = end_of_batch(order_, index_);
  }
}

}  // namespace vitrine
