#include <algorithm>
#include <cmath>
#include <utility>

#include "base/rng.h"
#include "data/loader.h"

namespace vitrine {

Collator::Collator(const TargetSettings& target, int64_t vocabulary, uint64_t seed, std::vector<double> class_weights)
    : target_(target), vocabulary_(vocabulary), seed_(seed), class_weights_(std::move(class_weights)) {}

void Collator::append(Batch& batch, const Example& example, int64_t sequence, uint32_t epoch) const {
  if (batch.targets.empty()) batch.targets.resize(1);
  if (!example.types.empty()) batch.types.resize(batch.tokens.size(), 0);
  if (target_.prepend_cls) batch.tokens.push_back(Tokenizer::kCls);
  const auto first = static_cast<int32_t>(batch.tokens.size());
  batch.tokens.insert(batch.tokens.end(), example.tokens.begin(), example.tokens.end());
  if (!example.types.empty()) {
    if (target_.prepend_cls) batch.types.push_back(example.types[0]);
    batch.types.insert(batch.types.end(), example.types.begin(), example.types.end());
  } else if (!batch.types.empty()) {
    batch.types.resize(batch.tokens.size(), 0);
  }

  Targets& targets = batch.targets[0];
  switch (target_.kind) {
    case TargetKind::kMasked: mask(batch, example, first, sequence, epoch); break;
    case TargetKind::kNext: {
      const auto end = static_cast<int32_t>(batch.tokens.size());
      for (auto row = static_cast<int32_t>(batch.offsets.back()); row < end; ++row) {
        const int32_t next = row + 1 < end ? batch.tokens[row + 1] : example.next;
        if (next >= 0) targets.rows.push_back(row), targets.classes.push_back(next);
      }
      break;
    }
    case TargetKind::kLabel: targets.classes.push_back(example.label); break;
  }
  batch.offsets.push_back(batch.size());
  batch.sequences.push_back(sequence);
}

void Collator::mask(Batch& batch, const Example& example, int32_t first, int64_t sequence, uint32_t epoch) const {
  Targets& targets = batch.targets[0];
  const auto predict = [&](int32_t t) -> int32_t& {
    int32_t& token = batch.tokens[first + t];
    targets.rows.push_back(first + t);
    targets.classes.push_back(token);
    return token;
  };
  if (example.masked >= 0) {
    predict(example.masked) = Tokenizer::kMask;
    return;
  }
  const auto length = static_cast<uint32_t>(example.tokens.size()), row = static_cast<uint32_t>(sequence);
  const auto words = static_cast<uint32_t>(vocabulary_ - Tokenizer::kSpecialCount);
  auto wanted = std::min(length, std::max(1u, static_cast<uint32_t>(std::llround(target_.rate * length))));
  const RngKey base{seed_, 0, epoch}, choice = base.of(Purpose::kMask, 0), action = base.of(Purpose::kMask, 1);
  Philox4 bits{};
  // Selection sampling (Knuth, The Art of Computer Programming 2, algorithm 3.4.2 S): exactly `wanted` of the positions, every
  // set of them equally likely.
  for (uint32_t t = 0; t < length && wanted > 0; ++t) {
    if (t % 4 == 0) bits = choice.bits(row, t / 4);
    if (uint64_t{bits[t % 4]} * (length - t) >> 32 >= wanted) continue;
    --wanted;
    int32_t& token = predict(static_cast<int32_t>(t));
    const Philox4 what = action.bits(row, t);
    const double u = what[0] * 0x1p-32;
    if (u < 0.8)
      token = Tokenizer::kMask;
    else if (u < 0.9 && words > 0)
      token = Tokenizer::kSpecialCount + static_cast<int32_t>(uint64_t{what[1]} * words >> 32);
  }
}

void Collator::finish(Batch& batch) const {
  for (Targets& targets : batch.targets) {
    targets.weight = 0;
    for (int32_t c : targets.classes)
      if (c >= 0) targets.weight += class_weights_.empty() ? 1.0 : class_weights_[c];
  }
}

}  // namespace vitrine
