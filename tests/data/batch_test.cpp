#include "data/batch.h"

#include <random>

#include "data/loader.h"
#include "support/allocation_count.h"
#include "support/catch.h"

using namespace vitrine;

namespace {

Example example_of(std::mt19937& random, int length, bool types) {
  Example e;
  for (int t = 0; t < length; ++t) {
    e.tokens.push_back(static_cast<int32_t>(4 + random() % 90));
    if (types) e.types.push_back(static_cast<int32_t>(random() % 2));
  }
  e.label = static_cast<int32_t>(random() % 4) - 1;
  e.next = random() % 2 == 0 ? -1 : 7;
  for (int t = 0; t < length; ++t) e.tags.push_back(static_cast<int32_t>(random() % 6) - 2);
  for (int32_t c = random() % 5 == 0 ? -1 : 0; c < 3; ++c)
    if (c < 0 || random() % 2 == 0) e.labels.push_back(c);
  e.value = static_cast<double>(random() % 100);
  return e;
}

}  // namespace

TEST_CASE("a slice of a batch is the batch of those sequences") {
  std::mt19937 random(3);
  const int lengths[] = {5, 1, 33, 2, 7, 1, 12};
  for (const TargetKind kind :
       {TargetKind::kMasked, TargetKind::kNext, TargetKind::kLabel, TargetKind::kTags, TargetKind::kLabels, TargetKind::kValue})
    for (const bool cls : {false, true})
      for (const bool types : {false, true}) {
        // Beside another target of another kind, which is cut in its own way.
        const Collator collator({{kind, 0.3, cls}, {TargetKind::kTags, 0, false}, {TargetKind::kLabels, 0, false}}, 100, 11,
                                {{}, {}, {}}, 3);
        std::vector<Example> examples;
        for (int length : lengths) examples.push_back(example_of(random, length, types));
        const auto assemble = [&](int64_t first, int64_t last) {
          Batch batch;
          for (int64_t i = first; i < last; ++i) collator.append(batch, examples[i], 50 + i, 2);
          collator.finish(batch);
          return batch;
        };
        const Batch whole = assemble(0, 7);
        Batch part;
        for (int64_t first = 0; first < 7; ++first)
          for (int64_t last = first + 1; last <= 7; ++last) {
            const Batch expected = assemble(first, last);
            whole.slice(first, last, part);
            CHECK(part.tokens == expected.tokens);
            CHECK(part.types == expected.types);
            CHECK(part.offsets == expected.offsets);
            CHECK(part.sequences == expected.sequences);
            for (size_t k = 0; k < 3; ++k) {
              CHECK(part.targets[k].rows == expected.targets[k].rows);
              CHECK(part.targets[k].classes == expected.targets[k].classes);
              CHECK(part.targets[k].values == expected.targets[k].values);
              CHECK(part.targets[k].weight == whole.targets[k].weight);
            }
            CHECK(part.first_row == whole.offsets[first]);
          }
        Batch inner;
        whole.slice(2, 6, part);
        part.slice(1, 3, inner);
        CHECK(inner.first_row == whole.offsets[3]);
        const int64_t before = allocation_count();
        for (int64_t first = 0; first < 7; ++first) whole.slice(first, first + 1, part);
        CHECK(allocation_count() == before);
      }
}

TEST_CASE("an empty slice is a batch of nothing") {
  std::mt19937 random(3);
  const Collator collator({TargetKind::kNext, 0, false}, 100, 11);
  Batch batch, part;
  collator.append(batch, example_of(random, 4, false), 0, 0);
  collator.finish(batch);
  batch.slice(1, 1, part);
  CHECK(part.size() == 0);
  CHECK(part.sequence_count() == 0);
  CHECK(part.targets[0].classes.empty());
}
