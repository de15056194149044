#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "base/rng.h"
#include "data/loader.h"

namespace vitrine {

Collator::Collator(const TargetSettings& target, int64_t vocabulary, uint64_t seed, std::vector<double> class_weights)
    : Collator(std::vector{target}, vocabulary, seed, std::vector<std::vector<double>>{std::move(class_weights)}) {}

Collator::Collator(std::vector<TargetSettings> targets, int64_t vocabulary, uint64_t seed,
                   std::vector<std::vector<double>> class_weights, int64_t labels, ValueScale scale)
    : targets_(std::move(targets)),
      prepend_cls_(prepends_cls(targets_)),
      vocabulary_(vocabulary),
      seed_(seed),
      class_weights_(std::move(class_weights)),
      labels_(labels),
      scale_(scale) {
  check(class_weights_.size() == targets_.size(), "class weights, or none, for each target");
}

void Collator::append(Batch& batch, const Example& example, int64_t sequence, uint32_t epoch) const {
  batch.targets.resize(targets_.size());
  if (!example.types.empty()) batch.types.resize(batch.tokens.size(), 0);
  if (prepend_cls_) batch.tokens.push_back(Tokenizer::kCls);
  batch.tokens.insert(batch.tokens.end(), example.tokens.begin(), example.tokens.end());
  if (!example.types.empty()) {
    if (prepend_cls_) batch.types.push_back(example.types[0]);
    batch.types.insert(batch.types.end(), example.types.begin(), example.types.end());
  } else if (!batch.types.empty()) {
    batch.types.resize(batch.tokens.size(), 0);
  }
  for (size_t k = 0; k < targets_.size(); ++k) ask(batch, k, example, sequence, epoch);
  batch.offsets.push_back(batch.size());
  batch.sequences.push_back(sequence);
}

// The targets of the sequence that has just been added; its offset has not.
void Collator::ask(Batch& batch, size_t k, const Example& example, int64_t sequence, uint32_t epoch) const {
  Targets& targets = batch.targets[k];
  const auto begin = static_cast<int32_t>(batch.offsets.back()), end = static_cast<int32_t>(batch.tokens.size());
  switch (targets_[k].kind) {
    case TargetKind::kMasked: mask(batch, targets, targets_[k].rate, example, sequence, epoch); break;
    case TargetKind::kNext:
      for (int32_t row = begin; row < end; ++row) {
        const int32_t next = row + 1 < end ? batch.tokens[row + 1] : example.next;
        if (next >= 0) targets.rows.push_back(row), targets.classes.push_back(next);
      }
      break;
    case TargetKind::kLabel: targets.classes.push_back(example.label); break;
    case TargetKind::kTags:
      for (size_t t = 0; t < example.tags.size(); ++t) {
        if (example.tags[t] == kNoTag) continue;
        targets.rows.push_back(begin + static_cast<int32_t>(extra() + static_cast<int64_t>(t)));
        targets.classes.push_back(std::max(example.tags[t], -1));
      }
      break;
    case TargetKind::kLabels: {
      int32_t unknown = 0;
      const size_t row = targets.values.size();
      targets.values.resize(row + static_cast<size_t>(labels_), 0.0);
      for (const int32_t c : example.labels) c < 0 ? ++unknown : targets.values[row + static_cast<size_t>(c)] = 1;
      targets.classes.push_back(-unknown);
      break;
    }
    case TargetKind::kValue: {
      const bool known = std::isfinite(example.value);
      targets.values.push_back(known ? (example.value - scale_.mean) / scale_.deviation : 0);
      targets.classes.push_back(known ? 0 : -1);
      break;
    }
  }
}

void Collator::mask(Batch& batch, Targets& targets, double rate, const Example& example, int64_t sequence, uint32_t epoch) const {
  const auto first = static_cast<int32_t>(batch.offsets.back() + extra());
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
  // All but [SEP], which everyone can guess.
  const auto separators = std::count(example.tokens.begin(), example.tokens.end(), Tokenizer::kSep);
  const auto length = static_cast<uint32_t>(std::ssize(example.tokens) - separators), row = static_cast<uint32_t>(sequence);
  const auto words = static_cast<uint32_t>(vocabulary_ - Tokenizer::kSpecialCount);
  auto wanted = std::min(length, std::max(1u, static_cast<uint32_t>(std::llround(rate * length))));
  const RngKey base{seed_, 0, epoch}, choice = base.of(Purpose::kMask, 0), action = base.of(Purpose::kMask, 1);
  Philox4 bits{};
  // Selection sampling (Knuth, The Art of Computer Programming 2, algorithm 3.4.2 S): exactly `wanted` of the positions, every
  // set of them equally likely.
  for (uint32_t t = 0, place = 0; t < length && wanted > 0; ++t, ++place) {
    while (example.tokens[place] == Tokenizer::kSep) ++place;
    if (t % 4 == 0) bits = choice.bits(row, t / 4);
    if (uint64_t{bits[t % 4]} * (length - t) >> 32 >= wanted) continue;
    --wanted;
    int32_t& token = predict(static_cast<int32_t>(place));
    const Philox4 what = action.bits(row, t);
    const double u = what[0] * 0x1p-32;
    if (u < 0.8)
      token = Tokenizer::kMask;
    else if (u < 0.9 && words > 0)
      token = Tokenizer::kSpecialCount + static_cast<int32_t>(uint64_t{what[1]} * words >> 32);
  }
}

void Collator::finish(Batch& batch) const {
  for (size_t k = 0; k < batch.targets.size(); ++k) {
    Targets& targets = batch.targets[k];
    const std::vector<double>& weights = class_weights_[k];
    targets.weight = 0;
    for (int32_t c : targets.classes)
      if (c >= 0) targets.weight += weights.empty() ? 1.0 : weights[c];
  }
}

void Collator::reserve(Batch& batch, int64_t tokens, int64_t sequences) const {
  batch.tokens.reserve(tokens);
  batch.types.reserve(tokens);
  batch.offsets.reserve(sequences + 1);
  batch.sequences.reserve(sequences);
  batch.targets.resize(targets_.size());
  for (size_t k = 0; k < targets_.size(); ++k) {
    batch.targets[k].rows.reserve(tokens);
    batch.targets[k].classes.reserve(tokens);
    if (targets_[k].kind == TargetKind::kLabels) batch.targets[k].values.reserve(sequences * labels_);
    if (targets_[k].kind == TargetKind::kValue) batch.targets[k].values.reserve(sequences);
  }
}

}  // namespace vitrine
