#include <cmath>
#include <set>

#include "data/loader.h"
#include "support/catch.h"

using namespace vitrine;

namespace {

constexpr int64_t kVocabulary = 54;

Example sequence_of(int length) {
  Example e;
  for (int t = 0; t < length; ++t) e.tokens.push_back(4 + (t * 7) % 50);
  return e;
}

Batch collate(const Collator& collator, const Example& example, int64_t sequence = 0, uint32_t epoch = 0) {
  Batch batch;
  collator.append(batch, example, sequence, epoch);
  collator.finish(batch);
  return batch;
}

}  // namespace

TEST_CASE("exactly max(1, round(rate T)) tokens are predicted, [CLS] never") {
  for (const bool cls : {false, true})
    for (const double rate : {0.0, 0.15, 0.5, 1.0})
      for (int length : {1, 2, 3, 5, 8, 10, 33, 64}) {
        const Collator collator({TargetKind::kMasked, rate, cls}, kVocabulary, 5);
        const Example e = sequence_of(length);
        const Batch batch = collate(collator, e, 9, 3);
        const Targets& targets = batch.targets[0];
        REQUIRE(batch.size() == length + (cls ? 1 : 0));
        if (cls) REQUIRE(batch.tokens[0] == Tokenizer::kCls);
        REQUIRE(static_cast<long>(targets.rows.size()) == std::max(1L, std::lround(rate * length)));
        REQUIRE(targets.weight == static_cast<double>(targets.rows.size()));
        REQUIRE(std::is_sorted(targets.rows.begin(), targets.rows.end()));
        const std::set<int32_t> rows(targets.rows.begin(), targets.rows.end());
        REQUIRE(rows.size() == targets.rows.size());
        for (size_t m = 0; m < targets.rows.size(); ++m) {
          REQUIRE(targets.rows[m] >= (cls ? 1 : 0));
          REQUIRE(targets.classes[m] == e.tokens[targets.rows[m] - (cls ? 1 : 0)]);
        }
        for (int t = 0; t < length; ++t)
          if (rows.count(t + (cls ? 1 : 0)) == 0) REQUIRE(batch.tokens[t + (cls ? 1 : 0)] == e.tokens[t]);
      }
}

TEST_CASE("80 % [MASK], 10 % random, 10 % as they are; every position equally often; random tokens are uniform and not special") {
  const Collator collator({TargetKind::kMasked, 0.15, false}, kVocabulary, 1);
  constexpr int kLength = 20, kSequences = 20000;  // three targets each
  const Example e = sequence_of(kLength);
  std::vector<int> position(kLength), random_token(kVocabulary);
  int masked = 0, kept = 0, random = 0;
  for (int i = 0; i < kSequences; ++i) {
    const Batch batch = collate(collator, e, i, 0);
    for (size_t m = 0; m < batch.targets[0].rows.size(); ++m) {
      const int32_t row = batch.targets[0].rows[m], now = batch.tokens[row];
      ++position[row];
      if (now == Tokenizer::kMask)
        ++masked;
      else if (now == batch.targets[0].classes[m])
        ++kept;
      else
        ++random, ++random_token[now];
    }
  }
  const double n = 3.0 * kSequences;
  const auto near = [](double count, double expected) { return std::abs(count - expected) < 5 * std::sqrt(expected); };
  CHECK(masked + kept + random == 3 * kSequences);
  CHECK(near(masked, 0.8 * n));
  CHECK(near(kept, (0.1 + 0.1 / 50) * n));  // a random token may be the same
  CHECK(near(random, 0.1 * 49 / 50 * n));
  for (int count : position) CHECK(near(count, n / kLength));
  for (int32_t id = 0; id < Tokenizer::kSpecialCount; ++id) CHECK(random_token[id] == 0);
  for (int64_t id = Tokenizer::kSpecialCount; id < kVocabulary; ++id) CHECK(near(random_token[id], random / 50.0));
}

TEST_CASE("separators are never hidden, and all others as if it were not there") {
  for (const double rate : {0.15, 1.0}) {
    const Collator collator({TargetKind::kMasked, rate, true}, kVocabulary, 3);
    for (int i = 0; i < 40; ++i) {
      const Example plain = sequence_of(9);
      Example pair = plain;
      pair.tokens.insert(pair.tokens.begin() + 4, Tokenizer::kSep);
      pair.tokens.push_back(Tokenizer::kSep);
      const Targets expected = collate(collator, plain, i).targets[0], targets = collate(collator, pair, i).targets[0];
      REQUIRE(targets.classes == expected.classes);
      for (size_t m = 0; m < targets.rows.size(); ++m)
        REQUIRE(targets.rows[m] == expected.rows[m] + (expected.rows[m] > 4 ? 1 : 0));
    }
  }
  Example nothing;
  nothing.tokens = {Tokenizer::kSep, Tokenizer::kSep};
  CHECK(collate(Collator({TargetKind::kMasked, 0.5, false}, kVocabulary, 3), nothing).targets[0].rows.empty());
}

TEST_CASE("positions are drawn independently") {
  const Collator collator({TargetKind::kMasked, 0.5, false}, kVocabulary, 1);
  std::vector<int> pairs(6);  // of two positions among four
  for (int i = 0; i < 12000; ++i) {
    const std::vector<int32_t> rows = collate(collator, sequence_of(4), i, 0).targets[0].rows;
    REQUIRE(rows.size() == 2);
    ++pairs[rows[0] == 0 ? rows[1] - 1 : rows[0] == 1 ? rows[1] + 1 : 5];
  }
  for (int count : pairs) CHECK(std::abs(count - 2000) < 220);
}

TEST_CASE("masks depend on seed, epoch and sequence, and on nothing else") {
  const TargetSettings target{TargetKind::kMasked, 0.3, false};
  const Collator collator(target, kVocabulary, 1), same(target, kVocabulary, 1), other(target, kVocabulary, 2);
  const Example e = sequence_of(40);
  const Batch reference = collate(collator, e, 4, 2);
  CHECK(collate(same, e, 4, 2).tokens == reference.tokens);
  CHECK(collate(same, e, 4, 2).targets[0].rows == reference.targets[0].rows);
  CHECK(collate(collator, e, 5, 2).targets[0].rows != reference.targets[0].rows);
  CHECK(collate(collator, e, 4, 3).targets[0].rows != reference.targets[0].rows);
  CHECK(collate(other, e, 4, 2).targets[0].rows != reference.targets[0].rows);

  Batch in_a_batch;
  collator.append(in_a_batch, sequence_of(7), 0, 2);
  collator.append(in_a_batch, e, 4, 2);
  Batch part;
  in_a_batch.slice(1, 2, part);
  CHECK(part.tokens == reference.tokens);
}

TEST_CASE("a position that the example names is masked, always by [MASK]") {
  for (const bool cls : {false, true}) {
    const Collator collator({TargetKind::kMasked, 0.5, cls}, kVocabulary, 1);
    Example e = sequence_of(9);
    for (int i = 0; i < 50; ++i) {
      e.masked = i % 9;
      const Batch batch = collate(collator, e, i, 0);
      const int32_t row = e.masked + (cls ? 1 : 0);
      REQUIRE(batch.targets[0].rows == std::vector<int32_t>{row});
      REQUIRE(batch.targets[0].classes == std::vector<int32_t>{e.tokens[e.masked]});
      REQUIRE(batch.tokens[row] == Tokenizer::kMask);
    }
  }
}

TEST_CASE("with no words but the special tokens nothing is replaced at random") {
  const Collator collator({TargetKind::kMasked, 1.0, false}, Tokenizer::kSpecialCount, 1);
  Example e;
  e.tokens.assign(200, Tokenizer::kUnknown);
  for (int32_t token : collate(collator, e).tokens) CHECK((token == Tokenizer::kMask || token == Tokenizer::kUnknown));
}

TEST_CASE("a causal row predicts the token after it") {
  Example e;
  e.tokens = {10, 11, 12};
  const Collator plain({TargetKind::kNext, 0, false}, kVocabulary, 1), with_cls({TargetKind::kNext, 0, true}, kVocabulary, 1);
  Batch batch = collate(plain, e);
  CHECK(batch.tokens == std::vector<int32_t>{10, 11, 12});
  CHECK(batch.targets[0].rows == std::vector<int32_t>{0, 1});
  CHECK(batch.targets[0].classes == std::vector<int32_t>{11, 12});
  CHECK(batch.targets[0].weight == 2);
  e.next = 13;
  batch = collate(with_cls, e);
  CHECK(batch.tokens == std::vector<int32_t>{Tokenizer::kCls, 10, 11, 12});
  CHECK(batch.targets[0].rows == std::vector<int32_t>{0, 1, 2, 3});
  CHECK(batch.targets[0].classes == std::vector<int32_t>{10, 11, 12, 13});

  plain.append(batch, e, 1, 0);  // the second sequence starts at row 4
  CHECK(batch.targets[0].rows == std::vector<int32_t>{0, 1, 2, 3, 4, 5, 6});
}

TEST_CASE("a batch with no predicted token has weight 0") {
  Example e;
  e.tokens = {10};
  const Batch batch = collate(Collator({TargetKind::kNext, 0, false}, kVocabulary, 1), e);
  CHECK(batch.targets[0].rows.empty());
  CHECK(batch.targets[0].weight == 0);
}

TEST_CASE("the weight of labels is their number or the sum of their class weights, without unknown ones") {
  const TargetSettings target{TargetKind::kLabel, 0, true};
  for (const std::vector<double>& weights : {std::vector<double>{}, std::vector<double>{0.5, 2, 4}}) {
    const Collator collator(target, kVocabulary, 1, weights);
    Batch batch;
    for (int32_t label : {2, -1, 0, 2}) {
      Example e = sequence_of(3);
      e.label = label;
      collator.append(batch, e, 0, 0);
    }
    collator.finish(batch);
    CHECK(batch.targets[0].rows.empty());
    CHECK(batch.targets[0].classes == std::vector<int32_t>{2, -1, 0, 2});
    CHECK(batch.targets[0].weight == (weights.empty() ? 3.0 : 8.5));
  }
}

TEST_CASE("token types are 0 where an example has none") {
  const Collator collator({TargetKind::kLabel, 0, true}, kVocabulary, 1);
  Example plain = sequence_of(2), typed = sequence_of(2);
  typed.types = {0, 1};
  Batch batch;
  collator.append(batch, plain, 0, 0);
  CHECK(batch.types.empty());
  collator.append(batch, typed, 1, 0);
  collator.append(batch, plain, 2, 0);
  CHECK(batch.types == std::vector<int32_t>{0, 0, 0, 0, 0, 1, 0, 0, 0});
}

TEST_CASE("tags are asked of the first piece of each word; an unknown one has no weight") {
  Example e = sequence_of(5);
  e.tags = {2, kNoTag, 0, unknown_tag(0), unknown_tag(1)};
  const Batch batch = collate(Collator({TargetKind::kTags, 0, true}, kVocabulary, 1, {0.5, 1, 2}), e);
  CHECK(batch.targets[0].rows == std::vector<int32_t>{1, 3, 4, 5});
  CHECK(batch.targets[0].classes == std::vector<int32_t>{2, 0, -1, -1});
  CHECK(batch.targets[0].weight == 2.5);
}

TEST_CASE("several labels become zeros and ones, unknown ones are counted; numbers are scaled") {
  const Collator collator({{TargetKind::kLabels, 0, false}, {TargetKind::kValue, 0, false}}, kVocabulary, 1, {{}, {}}, 3,
                          {10, 4});
  Batch batch;
  for (const auto& [labels, value] :
       {std::pair<std::vector<int32_t>, double>{{0, 2}, 12}, {{}, 10}, {{-1, -1, 1}, std::nan("")}}) {
    Example e = sequence_of(2);
    e.labels = labels, e.value = value;
    collator.append(batch, e, 0, 0);
  }
  collator.finish(batch);
  CHECK(batch.targets[0].rows.empty());
  CHECK(batch.targets[0].values == std::vector<double>{1, 0, 1, 0, 0, 0, 0, 1, 0});
  CHECK(batch.targets[0].classes == std::vector<int32_t>{0, 0, -2});
  CHECK(batch.targets[0].weight == 2);
  CHECK(batch.targets[1].values == std::vector<double>{0.5, 0, 0});
  CHECK(batch.targets[1].classes == std::vector<int32_t>{0, 0, -1});
  CHECK(batch.targets[1].weight == 2);
}

TEST_CASE("several targets read one sequence, with one [CLS] where any of them asks for it") {
  const std::vector<TargetSettings> targets{
      {TargetKind::kMasked, 0.5, false}, {TargetKind::kLabel, 0, true}, {TargetKind::kTags, 0, false}};
  const Collator collator(targets, kVocabulary, 1, {{}, {}, {}});
  Example e = sequence_of(4);
  e.label = 1, e.tags = {0, 1, 2, 3};
  const Batch batch = collate(collator, e), alone = collate(Collator({TargetKind::kMasked, 0.5, true}, kVocabulary, 1), e);
  CHECK(collator.extra() == 1);
  CHECK(batch.tokens == alone.tokens);
  CHECK(batch.targets[0].rows == alone.targets[0].rows);
  CHECK(batch.targets[1].classes == std::vector<int32_t>{1});
  CHECK(batch.targets[2].rows == std::vector<int32_t>{1, 2, 3, 4});
}
