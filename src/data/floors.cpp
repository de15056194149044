#include "data/floors.h"

#include <algorithm>
#include <cmath>

namespace vitrine {
namespace {

constexpr int64_t kFloorBatch = 4096;  // tokens

struct Mean {
  double sum = 0;
  int64_t count = 0;
  void add(double x) { sum += x, ++count; }
  std::optional<double> value() const { return count > 0 ? std::optional(sum / static_cast<double>(count)) : std::nullopt; }
};

// Of several labels, each by itself.
Floors label_floors(const Corpus& corpus, size_t k, const Dataset& split, const Collator& collator, int64_t first,
                    int64_t count) {
  const size_t C = corpus.labels.size();
  std::vector<double> p(C, 0);
  Example example;
  for (int64_t i = 0; i < corpus.train->size(); ++i) {
    corpus.train->read(i, example);
    for (const int32_t c : example.labels)
      if (c >= 0) ++p[static_cast<size_t>(c)];
  }
  for (double& share : p) share = (share + 1) / static_cast<double>(corpus.train->size() + 2);
  Mean loss, exact;
  for_each_batch(split, collator, kFloorBatch, first, count, [&](const Batch& batch) {
    const Targets& t = batch.targets[k];
    for (size_t b = 0; b < t.classes.size(); ++b) {
      double sum = 0;
      bool right = t.classes[b] == 0;
      for (size_t c = 0; c < C; ++c) {
        const bool holds = t.values[b * C + c] != 0;
        sum -= std::log(holds ? p[c] : 1 - p[c]);
        right &= holds == (p[c] > 0.5);
      }
      if (t.classes[b] == 0) loss.add(sum / static_cast<double>(C));
      exact.add(right);
    }
  });
  Floors floors;
  floors.uniform = std::log(2.0), floors.unigram = loss.value(), floors.majority = exact.value();
  return floors;
}

// Of scaled numbers, whose mean in the training split is 0.
Floors value_floors(size_t k, const Dataset& split, const Collator& collator, int64_t first, int64_t count) {
  Mean squares;
  for_each_batch(split, collator, kFloorBatch, first, count, [&](const Batch& batch) {
    const Targets& t = batch.targets[k];
    for (size_t b = 0; b < t.classes.size(); ++b)
      if (t.classes[b] >= 0) squares.add(t.values[b] * t.values[b]);
  });
  Floors floors;
  floors.mean = squares.value();
  return floors;
}

}  // namespace

// n_ac in a table with open addressing, n_a and d_a in arrays.
class FloorCounts::Pairs {
 public:
  explicit Pairs(int64_t contexts) : totals_(contexts), distinct_(contexts), slots_(1 << 12) {}

  void add(int32_t a, int32_t c) {
    if (2 * used_ >= slots_.size()) grow();
    Slot& slot = slots_[find(key(a, c))];
    if (slot.count == 0) slot.key = key(a, c), ++used_, ++distinct_[a];
    ++slot.count, ++totals_[a];
  }
  int64_t count(int32_t a, int32_t c) const { return slots_[find(key(a, c))].count; }
  int64_t total(int32_t a) const { return totals_[a]; }
  int64_t distinct(int32_t a) const { return distinct_[a]; }

 private:
  struct Slot {
    uint64_t key = 0;
    int64_t count = 0;  // 0: free
  };
  static uint64_t key(int32_t a, int32_t c) { return static_cast<uint64_t>(a) << 32 | static_cast<uint32_t>(c); }
  size_t find(uint64_t key) const {
    size_t s = key * 0x9E3779B97F4A7C15 >> 20 & (slots_.size() - 1);  // Fibonacci hashing (Knuth 3, §6.4)
    while (slots_[s].count > 0 && slots_[s].key != key) s = (s + 1) & (slots_.size() - 1);
    return s;
  }
  void grow() {
    std::vector<Slot> old(2 * slots_.size());
    old.swap(slots_);
    for (const Slot& slot : old)
      if (slot.count > 0) slots_[find(slot.key)] = slot;
  }

  std::vector<int64_t> totals_, distinct_;
  std::vector<Slot> slots_;
  size_t used_ = 0;
};

FloorCounts::~FloorCounts() = default;
FloorCounts::FloorCounts(FloorCounts&&) noexcept = default;

std::vector<std::pair<std::string_view, double>> Floors::named() const {
  std::vector<std::pair<std::string_view, double>> out;
  const auto put = [&](std::string_view name, const std::optional<double>& value) {
    if (value) out.emplace_back(name, *value);
  };
  put("uniform", uniform), put("unigram", unigram), put("bigram", bigram), put("majority", majority), put("entropy", entropy),
      put("mean", mean);
  return out;
}

FloorCounts::FloorCounts(const Corpus& corpus, const std::vector<TargetSettings>& targets, size_t k)
    : target_(targets[k]), index_(k), vocabulary_(corpus.tokenizer->size()), links_(corpus.link_classes.size()) {
  target_.prepend_cls = prepends_cls(targets);
  const bool language = target_.kind == TargetKind::kMasked || target_.kind == TargetKind::kNext;
  const auto sizes = language                            ? corpus.tokenizer->size()
                     : target_.kind == TargetKind::kTags ? std::ssize(corpus.tags)
                                                         : std::ssize(corpus.labels);
  classes_ = language ? sizes - (Tokenizer::kSpecialCount - 1) : sizes;
  all_.counts.resize(sizes);
  if (language) pairs_ = std::make_unique<Pairs>(vocabulary_ + 1);  // context V: nothing stands there

  const Dataset& train = *corpus.train;
  int64_t tokens = 0;
  for (int64_t i = 0; i < train.size(); ++i) tokens += train.length(i);
  const int64_t stride = 1 + (tokens - 1) / kMostTokens;
  Example example;
  for (int64_t i = 0; i < train.size(); i += stride) train.read(i, example), count(example);

  if (links_.empty() || target_.kind != TargetKind::kMasked) return;
  for (Unigram& unigram : links_) unigram.counts.resize(sizes);
  for (int64_t i = 0; i < train.size(); i += 1 + (train.size() - 1) / kMostLinks) {
    train.read(i, example);
    for (const Link& link : train.links(i))
      if (link.target == example.masked) links_[link.link_class].add(example.tokens[link.target]);
  }
}

void FloorCounts::count(const Example& example) {
  if (target_.kind == TargetKind::kLabel) {
    if (example.label >= 0) all_.add(example.label);
    return;
  }
  if (target_.kind == TargetKind::kTags) {
    for (const int32_t tag : example.tags)
      if (tag >= 0) all_.add(tag);
    return;
  }
  const auto size = static_cast<int32_t>(example.tokens.size());
  const int32_t before = target_.prepend_cls ? Tokenizer::kCls : static_cast<int32_t>(vocabulary_);
  const auto add = [&](int32_t t, int32_t c) {
    all_.add(c);
    pairs_->add(t > 0 ? example.tokens[t - 1] : before, c);
  };
  if (target_.kind == TargetKind::kMasked && example.masked >= 0) return add(example.masked, example.tokens[example.masked]);
  // Nothing predicts the first token of a sequence without [CLS] from the left.
  const int32_t first = target_.kind == TargetKind::kNext && !target_.prepend_cls ? 1 : 0;
  for (int32_t t = first; t < size; ++t) add(t, example.tokens[t]);
  if (target_.kind == TargetKind::kNext && example.next >= 0) add(size, example.next);
}

double FloorCounts::probability(const Unigram& unigram, int32_t c) const {
  return (static_cast<double>(unigram.counts[c]) + 1) / static_cast<double>(unigram.total + classes_);
}

double FloorCounts::probability(int32_t context, int32_t c) const {
  const auto distinct = static_cast<double>(pairs_->distinct(context));
  if (distinct == 0) return probability(all_, c);
  return (static_cast<double>(pairs_->count(context, c)) + distinct * probability(all_, c)) /
         (static_cast<double>(pairs_->total(context)) + distinct);
}

SplitFloors FloorCounts::measure(const Dataset& split, const Collator& collator, int64_t first, int64_t count) const {
  Mean unigram, bigram, entropy, majority;
  std::vector<Mean> link_unigram(links_.size()), link_entropy(links_.size());
  const auto most = static_cast<int32_t>(std::max_element(all_.counts.begin(), all_.counts.end()) - all_.counts.begin());
  const bool masked = target_.kind == TargetKind::kMasked, exact = target_.kind != TargetKind::kNext;

  const auto add_links = [&](const Batch& batch, int64_t b) {
    const double h = split.entropy(batch.sequences[b]);
    if (h >= 0) entropy.add(h);
    if (links_.empty() || !masked) return;
    const Targets& targets = batch.targets[index_];
    for (const Link& link : split.links(batch.sequences[b])) {
      const auto row = static_cast<int32_t>(batch.offsets[b] + collator.extra()) + link.target;
      const auto at = std::lower_bound(targets.rows.begin(), targets.rows.end(), row);
      if (at == targets.rows.end() || *at != row) continue;
      link_unigram[link.link_class].add(
          -std::log(probability(links_[link.link_class], targets.classes[at - targets.rows.begin()])));
      if (h >= 0) link_entropy[link.link_class].add(h);
    }
  };
  const auto add_batch = [&](const Batch& batch) {
    const Targets& targets = batch.targets[index_];
    int64_t b = 0;
    for (size_t m = 0; m < targets.classes.size(); ++m) {
      const int32_t c = targets.classes[m];
      majority.add(c == most ? 1 : 0);
      if (c < 0) continue;
      const double p = probability(all_, c);
      unigram.add(-std::log(p));
      if (!pairs_) continue;
      const int32_t row = targets.rows[m];
      while (row >= batch.offsets[b + 1]) ++b;
      if (!masked)
        bigram.add(-std::log(probability(batch.tokens[row], c)));
      else if (row == batch.offsets[b])
        bigram.add(-std::log(probability(static_cast<int32_t>(vocabulary_), c)));
      else if (m > 0 && targets.rows[m - 1] == row - 1)
        bigram.add(-std::log(p));
      else
        bigram.add(-std::log(probability(batch.tokens[row - 1], c)));
    }
    for (int64_t s = 0; exact && s < batch.sequence_count(); ++s) add_links(batch, s);
  };
  for_each_batch(split, collator, kFloorBatch, first, count, add_batch);

  SplitFloors out;
  out.all = {std::log(static_cast<double>(classes_)), unigram.value(), bigram.value(), majority.value(), entropy.value(), {}};
  for (size_t k = 0; k < links_.size(); ++k)
    out.links.push_back({link_unigram[k].count, link_unigram[k].value(), link_entropy[k].value()});
  return out;
}

SplitFloors measure_floors(const Corpus& corpus, const std::vector<TargetSettings>& targets, size_t k, const Dataset& split,
                           const Collator& collator, int64_t first, int64_t count) {
  if (targets[k].kind == TargetKind::kLabels) return {label_floors(corpus, k, split, collator, first, count), {}};
  if (targets[k].kind == TargetKind::kValue) return {value_floors(k, split, collator, first, count), {}};
  return FloorCounts(corpus, targets, k).measure(split, collator, first, count);
}

}  // namespace vitrine
