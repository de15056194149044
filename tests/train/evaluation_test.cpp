#include "train/evaluation.h"

#include "support/catch.h"
#include "train/fake_engine.h"

using namespace vitrine;

namespace {

// Four classes; the prediction of each sequence is given, the loss is truth + 1.
void answer(const Batch& batch, HeadResult& r, const std::vector<int32_t>& predictions) {
  r.classes = 4;
  r.losses.clear();
  r.predictions.clear();
  for (size_t m = 0; m < batch.targets[0].classes.size(); ++m) {
    const int32_t truth = batch.targets[0].classes[m];
    r.losses.push_back(truth < 0 ? 0 : truth + 1.0);
    r.predictions.push_back(predictions[static_cast<size_t>(batch.sequences[m])]);
  }
}

class UnknownLabels : public FakeData {
 public:
  using FakeData::FakeData;
  void read(int64_t i, Example& out, int64_t shift) const override {
    FakeData::read(i, out, shift);
    if (i == 1) out.label = -1;
  }
};

}  // namespace

TEST_CASE("an evaluation gives the scores that were worked out by hand, whatever the batches") {
  const FakeData data(7);  // truth 0 1 2 0 1 2 0
  const Collator collator({TargetKind::kLabel, 0, false}, 20, 7);
  FakeEngine engine;
  engine.answer = [](const Batch& b, HeadResult& r) { answer(b, r, {0, 1, 1, 0, 1, 2, 1}); };
  const int64_t batch_tokens = GENERATE(1, 7, 100);
  const Evaluation e = evaluate(engine, data, collator, {batch_tokens, 0, true});
  CHECK(e.examples == 7);
  CHECK(e.targets == 7);
  CHECK(e.loss == Approx((3 * 1 + 2 * 2 + 2 * 3) / 7.0));
  CHECK(e.perplexity == Approx(std::exp(13 / 7.0)));
  CHECK(e.accuracy == Approx(5 / 7.0));
  CHECK(e.confusion == std::vector<int64_t>{2, 1, 0, 0, 0, 2, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0});
  CHECK(e.classes[0].precision() == 1);
  CHECK(e.classes[0].recall() == Approx(2 / 3.0));
  CHECK(e.classes[1].precision() == Approx(0.5));
  CHECK(e.classes[1].recall() == 1);
  CHECK(e.classes[1].f1() == Approx(2 / 3.0));
  CHECK(e.precision == Approx((1 + 0.5 + 1) / 3));  // class 3 occurs nowhere
  CHECK(e.recall == Approx((2 / 3.0 + 1 + 0.5) / 3));
  CHECK(e.f1 == Approx((0.8 + 2 / 3.0 + 2 / 3.0) / 3));
  CHECK(e.metric("f1") == e.f1);
  CHECK_THROWS_AS(e.metric("bleu"), Error);
}

TEST_CASE("a limit takes the first examples; without classes there are no class scores") {
  const FakeData data(7);
  const Collator collator({TargetKind::kLabel, 0, false}, 20, 7);
  FakeEngine engine;
  engine.answer = [](const Batch& b, HeadResult& r) { answer(b, r, {0, 1, 1, 0, 1, 2, 1}); };
  const Evaluation e = evaluate(engine, data, collator, {6, 3, false});
  CHECK(e.targets == 3);
  CHECK(e.accuracy == Approx(2 / 3.0));
  CHECK(e.classes.empty());
  CHECK_THROWS_AS(e.metric("f1"), Error);
}

TEST_CASE("a label that training did not have is wrong and has no loss") {
  const UnknownLabels data(3);
  const Collator collator({TargetKind::kLabel, 0, false}, 20, 7);
  FakeEngine engine;
  engine.answer = [](const Batch& b, HeadResult& r) { answer(b, r, {0, 1, 2}); };
  const Evaluation e = evaluate(engine, data, collator, {100, 0, true});
  CHECK(e.unknown == 1);
  CHECK(e.accuracy == Approx(2 / 3.0));
  CHECK(e.loss == Approx((1 + 3) / 2.0));
  CHECK(e.classes[1].predicted == 1);
  CHECK(e.classes[1].precision() == 0);
}
