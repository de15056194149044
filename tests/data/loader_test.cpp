#include "data/loader.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "data/files.h"
#include "support/allocation_count.h"
#include "support/catch.h"

using namespace vitrine;

namespace {

// `count` lines of 1, 2, … 9, 1, 2, … words.
std::string ragged_lines(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    for (int t = 0; t <= i % 9; ++t) text += "w" + std::to_string((i * 5 + t * 3) % 23) + " ";
    text += "\n";
  }
  return text;
}

struct Setup {
  Files files;
  Corpus corpus;
  Collator collator;
  explicit Setup(int lines = 50, bool cls = false)
      : files(DataKind::kLines, ragged_lines(lines)),
        corpus((files.target.prepend_cls = cls, files.load())),
        collator(files.target, corpus.tokenizer->size(), 1) {}
  Loader loader(int64_t size, int64_t tokens = 0, uint64_t seed = 1) const {
    return {*corpus.train, collator, size, tokens, seed};
  }
};

bool same(const Batch& a, const Batch& b) {
  return a.tokens == b.tokens && a.offsets == b.offsets && a.sequences == b.sequences && a.targets[0].rows == b.targets[0].rows &&
         a.targets[0].classes == b.targets[0].classes && a.targets[0].weight == b.targets[0].weight;
}

}  // namespace

TEST_CASE("an epoch holds every sequence once, and the next one in another order") {
  const Setup s;
  for (const int64_t tokens : {0, 30}) {
    Loader loader = s.loader(8, tokens);
    std::vector<std::vector<int64_t>> orders;
    for (int64_t epoch = 0; epoch < 3; ++epoch) {
      std::vector<int64_t>& order = orders.emplace_back();
      Batch batch;
      for (int64_t step = 0; step < loader.steps_per_epoch(epoch); ++step) {
        loader.next(batch);
        CHECK(loader.epoch() == epoch);
        order.insert(order.end(), batch.sequences.begin(), batch.sequences.end());
      }
      std::vector<int64_t> sorted = order, all(50);
      std::sort(sorted.begin(), sorted.end());
      std::iota(all.begin(), all.end(), 0);
      CHECK(sorted == all);
      CHECK(order != all);
    }
    CHECK(orders[0] != orders[1]);
    CHECK(orders[1] != orders[2]);
  }
}

TEST_CASE("the order is uniform") {
  const Setup s(3);
  std::vector<int> counts(27);
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    Loader loader = s.loader(3, 0, seed);
    Batch batch;
    loader.next(batch);
    ++counts[batch.sequences[0] * 9 + batch.sequences[1] * 3 + batch.sequences[2]];
  }
  for (int code : {5, 7, 11, 15, 19, 21}) CHECK(std::abs(counts[code] - 500) < 110);
}

TEST_CASE("a batch has batch_size sequences, the last of an epoch what is left") {
  const Setup s;
  Loader loader = s.loader(8);
  Batch batch;
  for (int64_t size : {8, 8, 8, 8, 8, 8, 2, 8}) {
    loader.next(batch);
    CHECK(batch.sequence_count() == size);
  }
  CHECK(loader.steps_per_epoch(0) == 7);
  Loader all = s.loader(1000);
  all.next(batch);
  CHECK(batch.sequence_count() == 50);
}

TEST_CASE("a token budget is used as far as it goes, with [CLS] counted") {
  for (const bool cls : {false, true}) {
    const Setup s(50, cls);
    for (const int64_t budget : {1, 9, 10, 30, 1000}) {
      Loader loader = s.loader(0, budget);
      Batch batch, next;
      loader.next(batch);
      for (int64_t step = 1; step < 2 * loader.steps_per_epoch(0); ++step) {
        CHECK((batch.size() <= budget || batch.sequence_count() == 1));
        const int64_t epoch = loader.epoch();
        loader.next(next);
        if (loader.epoch() == epoch) CHECK(batch.size() + next.length(0) > budget);  // no more would have fitted
        std::swap(batch, next);
      }
    }
  }
}

TEST_CASE("seek goes to any step, as if the batches before had been read") {
  const Setup s;
  for (const int64_t tokens : {0, 30}) {
    std::vector<Batch> batches(30);
    Loader loader = s.loader(8, tokens);
    for (Batch& batch : batches) loader.next(batch);
    for (const int64_t step : {0, 1, 6, 7, 8, 13, 14, 15, 29, 3}) {
      Batch batch;
      loader.seek(step);
      loader.next(batch);
      CHECK(same(batch, batches[step]));
      Loader fresh = s.loader(8, tokens);
      fresh.seek(step);
      fresh.next(batch);
      CHECK(same(batch, batches[step]));
    }
  }
}

TEST_CASE("batches are a function of the seed") {
  const Setup s;
  Loader a = s.loader(8, 0, 4), same_seed = s.loader(8, 0, 4), other = s.loader(8, 0, 5);
  Batch x, y, z;
  bool differs = false;
  for (int i = 0; i < 20; ++i) {
    a.next(x), same_seed.next(y), other.next(z);
    CHECK(same(x, y));
    differs = differs || !same(x, z);
  }
  CHECK(differs);
}

TEST_CASE("epochs of a text cut it at different places") {
  Files files(DataKind::kText, ragged_lines(60));
  files.data.max_length = 16;
  files.target = {TargetKind::kNext, 0, false};
  const Corpus corpus = files.load();
  const Collator collator(files.target, corpus.tokenizer->size(), 1);
  Loader loader(*corpus.train, collator, 1, 0, 1);
  std::vector<std::vector<int32_t>> first_windows;
  for (int epoch = 0; epoch < 4; ++epoch) {
    Batch batch;
    for (int64_t step = 0; step < loader.steps_per_epoch(epoch); ++step) {
      loader.next(batch);
      if (batch.sequences[0] == 0) first_windows.push_back(batch.tokens);
      CHECK(batch.length(0) == corpus.train->length(batch.sequences[0]));
    }
  }
  REQUIRE(first_windows.size() == 4);
  std::sort(first_windows.begin(), first_windows.end());
  CHECK(std::unique(first_windows.begin(), first_windows.end()) - first_windows.begin() >= 3);
}

TEST_CASE("once it has filled a batch, the loader allocates nothing") {
  for (const DataKind kind : {DataKind::kLines, DataKind::kText, DataKind::kRandom})
    for (const TargetKind target : {TargetKind::kMasked, TargetKind::kNext})
      for (const int64_t tokens : {0, 40}) {
        Files files(kind, ragged_lines(200));
        files.data.max_length = 24, files.data.vocabulary_size = 30, files.data.length = 11, files.data.train_sentences = 100;
        files.tokenizer.lowercase = true;
        files.target = {target, 0.15, true};
        const Corpus corpus = files.load();
        const Collator collator(files.target, corpus.tokenizer->size(), 1);
        Loader loader(*corpus.train, collator, 8, tokens, 1);
        Batch batch;
        loader.next(batch);
        const int64_t before = allocation_count();
        for (int step = 0; step < 300; ++step) loader.next(batch);
        CHECK(allocation_count() == before);
        CHECK(loader.epoch() > 0);
      }
}

TEST_CASE("once it has filled a batch for several heads, the loader allocates nothing") {
  Files files(DataKind::kRandom);
  files.data.max_length = 12, files.data.vocabulary_size = 30, files.data.length = 11, files.data.train_sentences = 100;
  files.data.classes = 5, files.data.tags = 3;
  const std::vector<TargetSettings> targets{
      {TargetKind::kLabel, 0, true}, {TargetKind::kTags, 0, true}, {TargetKind::kLabels, 0, true}, {TargetKind::kValue, 0, true}};
  const Corpus corpus = load_corpus(files.data, files.tokenizer, targets, 1);
  CHECK(corpus.tags == std::vector<std::string>{"0", "1", "2"});
  REQUIRE(corpus.scale);
  const Collator collator(targets, 30, 1, {{}, {}, {}, {}}, 5, *corpus.scale);
  Loader loader(*corpus.train, collator, 8, 0, 1);
  Batch batch;
  loader.next(batch);
  const int64_t before = allocation_count();
  for (int step = 0; step < 300; ++step) loader.next(batch);
  CHECK(allocation_count() == before);
}

TEST_CASE("numbers are scaled by the mean and the deviation of the training split, or by those of an earlier run") {
  Files files(DataKind::kRandom);
  files.data.vocabulary_size = 30, files.data.length = 3, files.data.train_sentences = 500;
  const std::vector<TargetSettings> targets{{TargetKind::kValue, 0, false}};
  const Corpus corpus = load_corpus(files.data, files.tokenizer, targets, 1);
  const Collator collator(targets, 30, 1, {{}}, 0, *corpus.scale);
  double sum = 0, squares = 0;
  for_each_batch(*corpus.train, collator, 100, 0, 500, [&](const Batch& batch) {
    for (double v : batch.targets[0].values) sum += v, squares += v * v;
  });
  CHECK(sum / 500 == Approx(0).margin(1e-12));
  CHECK(squares / 500 == Approx(1));
  Learned learned;
  learned.scale = {3, 7};
  const Corpus later = load_corpus(files.data, files.tokenizer, targets, 1, std::move(learned));
  CHECK(later.scale->mean == 3);
  CHECK(later.scale->deviation == 7);
}

TEST_CASE("evaluation reads in the order of the file, within its budget, with masks that never change") {
  const Setup s(50, true);
  for (const int64_t budget : {1, 12, 64, 10000})
    for (const auto& [first, count] : {std::pair<int64_t, int64_t>{0, 50}, {3, 20}, {49, 1}, {10, 0}}) {
      std::vector<int64_t> seen;
      for_each_batch(*s.corpus.train, s.collator, budget, first, count, [&](const Batch& batch) {
        seen.insert(seen.end(), batch.sequences.begin(), batch.sequences.end());
        CHECK((batch.size() <= budget || batch.sequence_count() == 1));
        CHECK(batch.targets[0].weight == static_cast<double>(batch.targets[0].classes.size()));
        for (int64_t b = 0; b < batch.sequence_count(); ++b) {
          Example e;
          Batch alone, part;
          s.corpus.train->read(batch.sequences[b], e);
          s.collator.append(alone, e, batch.sequences[b], kEvaluationEpoch);
          batch.slice(b, b + 1, part);
          CHECK(part.tokens == alone.tokens);
        }
      });
      std::vector<int64_t> expected(static_cast<size_t>(count));
      std::iota(expected.begin(), expected.end(), first);
      CHECK(seen == expected);
    }
}

TEST_CASE("the order of an epoch is a permutation, stored or computed") {
  const int64_t n =
      GENERATE(int64_t{1}, int64_t{2}, int64_t{1000}, EpochOrder::kStored, EpochOrder::kStored + 1, EpochOrder::kStored + 300001);
  CAPTURE(n);
  EpochOrder order, same, other;
  order.draw(n, RngKey{3, 1, 0}), same.draw(n, RngKey{3, 1, 0}), other.draw(n, RngKey{3, 1, 1});
  std::vector<char> seen(static_cast<size_t>(n));
  int64_t stays = 0, equal = 0, wrong = 0;
  double moved = 0;  // mean distance from the place in the file, as a share of n: 1/3 in a random order
  for (int64_t i = 0; i < n; ++i) {
    const uint32_t at = order[i];
    wrong += at >= n || same[i] != at || std::exchange(seen[at], 1);
    stays += at == i, equal += at == other[i];
    moved += std::fabs(double(at) - double(i)) / double(n) / double(n);
  }
  CHECK(wrong == 0);
  if (n < 1000) return;
  CHECK(stays < 12);  // Poisson, mean 1
  CHECK(equal < 12);
  CHECK(moved == Approx(1.0 / 3).margin(n == 1000 ? 0.05 : 0.002));
}
