#include "train/evaluation.h"

#include <cmath>

#include "support/catch.h"
#include "support/error_of.h"
#include "train/fake_engine.h"

using namespace vitrine;

namespace {

const std::vector<MeasuredHead> kClassifier(1, {ObjectiveKind::kSequenceClassification, 1, {}, {}, {}});

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

// Examples as they are given.
class GivenData : public Dataset {
 public:
  explicit GivenData(std::vector<Example> examples) : examples_(std::move(examples)) {}
  int64_t size() const override { return std::ssize(examples_); }
  int64_t length(int64_t i) const override { return std::ssize(examples_[static_cast<size_t>(i)].tokens); }
  void read(int64_t i, Example& out, int64_t) const override { out = examples_[static_cast<size_t>(i)]; }
  std::vector<int32_t> cut_tags(int64_t i) const override {
    return i < std::ssize(cut) ? cut[static_cast<size_t>(i)] : std::vector<int32_t>();
  }
  std::vector<std::vector<int32_t>> cut;

 private:
  std::vector<Example> examples_;
};

Example tagged(std::vector<int32_t> tags) {
  Example e;
  e.tokens.assign(tags.size(), 5);
  e.tags = std::move(tags);
  return e;
}

Example with_labels(std::vector<int32_t> labels) {
  Example e;
  e.tokens = {5, 6};
  e.labels = std::move(labels);
  return e;
}

Example with_value(double value) {
  Example e;
  e.tokens = {5, 6};
  e.value = value;
  return e;
}

}  // namespace

TEST_CASE("an evaluation gives the scores that were worked out by hand, whatever the batches") {
  const FakeData data(7);  // truth 0 1 2 0 1 2 0
  const Collator collator({TargetKind::kLabel, 0, false}, 20, 7);
  FakeEngine engine;
  engine.answer = [](const Batch& b, HeadResult& r) { answer(b, r, {0, 1, 1, 0, 1, 2, 1}); };
  const int64_t batch_tokens = GENERATE(1, 7, 100);
  const Evaluation e = evaluate(engine, data, collator, kClassifier, {batch_tokens, 0});
  const HeadEvaluation& h = e.heads.at(0);
  CHECK(e.examples == 7);
  CHECK(h.targets == 7);
  CHECK(e.loss == Approx((3 * 1 + 2 * 2 + 2 * 3) / 7.0));
  CHECK(h.metric("accuracy") == Approx(5 / 7.0));
  CHECK(h.confusion == std::vector<int64_t>{2, 1, 0, 0, 0, 2, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0});
  CHECK(h.classes[0].precision() == 1);
  CHECK(h.classes[0].recall() == Approx(2 / 3.0));
  CHECK(h.classes[1].precision() == Approx(0.5));
  CHECK(h.classes[1].recall() == 1);
  CHECK(h.classes[1].f1() == Approx(2 / 3.0));
  CHECK(h.metric("precision") == Approx((1 + 0.5 + 1) / 3));  // class 3 occurs nowhere
  CHECK(h.metric("recall") == Approx((2 / 3.0 + 1 + 0.5) / 3));
  CHECK(h.metric("f1") == Approx((0.8 + 2 / 3.0 + 2 / 3.0) / 3));
  CHECK(e.metric("f1") == h.metric("f1"));
  CHECK(e.metric("sequence_classification.f1") == h.metric("f1"));
  CHECK_THROWS_AS(e.metric("bleu"), Error);
}

TEST_CASE("every objective has the metrics that it is said to have") {
  FakeEngine engine;
  engine.answer = [](const Batch& b, HeadResult& r) {
    answer(b, r, {0, 1});
    r.logits.assign(8, 0.5);
  };
  for (const auto& [kind, target] : {std::pair{ObjectiveKind::kMaskedLm, TargetKind::kMasked},
                                     {ObjectiveKind::kSequenceClassification, TargetKind::kLabel},
                                     {ObjectiveKind::kTokenClassification, TargetKind::kTags},
                                     {ObjectiveKind::kMultiLabelClassification, TargetKind::kLabels},
                                     {ObjectiveKind::kRegression, TargetKind::kValue}}) {
    Example example = with_value(2);
    example.label = 0, example.labels = {1}, example.tags = {kNoTag, 1};
    const GivenData data({example, example});
    const Collator collator({{target, 0.1, false}}, 20, 7, {{}}, 4);
    const Evaluation e = evaluate(engine, data, collator, {{kind, 1, {"B-X", "I-X", "O", "B-Y"}, {}, {}}}, {100, 0});
    std::vector<std::string_view> names;
    for (const auto& [name, value] : e.heads[0].metrics) names.push_back(name);
    CHECK(names == metric_names(kind));
  }
}

TEST_CASE("a limit takes the first examples") {
  const FakeData data(7);
  const Collator collator({TargetKind::kLabel, 0, false}, 20, 7);
  FakeEngine engine;
  engine.answer = [](const Batch& b, HeadResult& r) { answer(b, r, {0, 1, 1, 0, 1, 2, 1}); };
  const Evaluation e = evaluate(engine, data, collator, kClassifier, {6, 3});
  CHECK(e.heads[0].targets == 3);
  CHECK(e.metric("accuracy") == Approx(2 / 3.0));
}

TEST_CASE("a label that training did not have is wrong and has no loss") {
  const UnknownLabels data(3);
  const Collator collator({TargetKind::kLabel, 0, false}, 20, 7);
  FakeEngine engine;
  engine.answer = [](const Batch& b, HeadResult& r) { answer(b, r, {0, 1, 2}); };
  const Evaluation e = evaluate(engine, data, collator, kClassifier, {100, 0});
  CHECK(e.heads[0].unknown == 1);
  CHECK(e.metric("accuracy") == Approx(2 / 3.0));
  CHECK(e.loss == Approx((1 + 3) / 2.0));
  CHECK(e.heads[0].classes[1].predicted == 1);
  CHECK(e.heads[0].classes[1].precision() == 0);
}

TEST_CASE("tags: entities over whole sentences, later pieces left out, unknown tags and cut words wrong") {
  // B-X 0, I-X 1, O 2; unknown: B-Y −2, I-Y −3
  GivenData data({tagged({0, 1, kNoTag, 2}),                    // right
                  tagged({2, unknown_tag(0), unknown_tag(1)}),  // one entity Y, predicted as X
                  tagged({0, 2}),                               // right, but an entity is cut off
                  tagged({2, 0})});                             // X goes on behind the cut: too short
  data.cut = {{}, {}, {2, 0, 1}, {1}};
  const Collator collator({TargetKind::kTags, 0, false}, 20, 7);
  const std::vector<int32_t> predictions{0, 1, 2, 2, 0, 1, 0, 2, 2, 0};
  FakeEngine engine;
  size_t next = 0;
  engine.answer = [&](const Batch& b, HeadResult& r) {
    r.classes = 3;
    const size_t M = b.targets[0].classes.size();
    r.losses.assign(M, 2);
    r.predictions.assign(predictions.begin() + std::ptrdiff_t(next), predictions.begin() + std::ptrdiff_t(next + M));
    next += M;
  };
  const int64_t batch_tokens = GENERATE(1, 6, 100);
  const MeasuredHead head{ObjectiveKind::kTokenClassification, 0.5, {"B-X", "I-X", "O"}, {"B-Y", "I-Y"}, {}};
  const Evaluation e = evaluate(engine, data, collator, {head}, {batch_tokens, 0});
  const HeadEvaluation& h = e.heads[0];
  CHECK(h.cut == 4);
  CHECK(h.unknown == 2);
  CHECK(h.targets == 10 + 4);
  CHECK(h.metric("accuracy") == Approx(8 / 14.0));
  CHECK(h.metric("sequence_accuracy") == Approx(1 / 4.0));
  CHECK(h.loss() == Approx(2));  // of the eight known ones
  CHECK(e.loss == Approx(1));    // times the head's weight
  // truth: X, Y, X, X (cut), X;  predicted: X, X (for Y), X, X (too short);  right: two
  CHECK(h.metric("precision") == Approx(2 / 4.0));
  CHECK(h.metric("recall") == Approx(2 / 5.0));
  CHECK(h.metric("f1") == Approx(4 / 9.0));
  CHECK(h.entities.at("Y").truth == 1);
  CHECK(h.entities.at("Y").recall() == 0);
  CHECK(h.entities.at("X").truth == 4);
}

TEST_CASE("tags that spell no entities have macro scores, as classes of sequences have") {
  const GivenData data({tagged({0, 1}), tagged({1, 1}), tagged({kNoTag, kNoTag})});
  const Collator collator({TargetKind::kTags, 0, false}, 20, 7);
  FakeEngine engine;
  engine.answer = [&](const Batch&, HeadResult& r) {
    r.classes = 2;
    r.losses.assign(4, 1);
    r.predictions = {0, 1, 0, 1};
  };
  const MeasuredHead head{ObjectiveKind::kTokenClassification, 1, {"NN", "VB"}, {}, {}};
  const Evaluation e = evaluate(engine, data, collator, {head}, {100, 0});
  CHECK(e.heads[0].entities.empty());
  CHECK(e.metric("accuracy") == Approx(3 / 4.0));
  CHECK(e.metric("sequence_accuracy") == Approx(1 / 2.0));  // of the third nothing is asked
  CHECK(e.metric("precision") == Approx((0.5 + 1) / 2));
  CHECK(e.metric("recall") == Approx((1 + 2 / 3.0) / 2));
}

TEST_CASE("several labels: exact matches, micro and macro scores, unknown labels missed") {
  const GivenData data({with_labels({0, 2}), with_labels({}), with_labels({-1, 1}), with_labels({1})});
  const Collator collator({{TargetKind::kLabels, 0, false}}, 20, 7, {{}}, 3);
  FakeEngine engine;
  engine.answer = [](const Batch&, HeadResult& r) {
    r.classes = 3;
    r.losses = {1, 2, 4, 3};
    r.logits = {1, -1, 2, -1, -1, 0, -1, 1, -1, 1, 1, -1};  // {0 2} {} {1} {0 1}; a logit of 0 is not said
  };
  const MeasuredHead head{ObjectiveKind::kMultiLabelClassification, 1, {}, {}, {}};
  const Evaluation e = evaluate(engine, data, collator, {head}, {100, 0});
  CHECK(e.loss == Approx(2));  // the sequence with an unknown label has none
  CHECK(e.heads[0].unknown == 1);
  CHECK(e.metric("accuracy") == Approx(0.5));
  CHECK(e.metric("precision") == Approx(4 / 5.0));
  CHECK(e.metric("recall") == Approx(4 / 5.0));
  CHECK(e.metric("macro_precision") == Approx((0.5 + 1 + 1) / 3));
  CHECK(e.metric("macro_recall") == Approx(1));
  CHECK(e.heads[0].confusion.empty());
}

TEST_CASE("numbers: errors in the units of the data, correlations without") {
  const GivenData data({with_value(10), with_value(20), with_value(40)});
  const ValueScale scale{20, 10};
  const Collator collator({{TargetKind::kValue, 0, false}}, 20, 7, {{}}, 0, scale);
  FakeEngine engine;
  engine.answer = [](const Batch& b, HeadResult& r) {
    CHECK(b.targets[0].values == std::vector<double>{-1, 0, 2});
    r.classes = 1;
    r.losses = {0.25, 1, 0};
    r.logits = {-0.5, 1, 2};  // 15 30 40
  };
  const MeasuredHead head{ObjectiveKind::kRegression, 1, {}, {}, scale};
  const Evaluation e = evaluate(engine, data, collator, {head}, {100, 0});
  CHECK(e.loss == Approx(1.25 / 3));
  CHECK(e.metric("mse") == Approx((25 + 100) / 3.0));
  CHECK(e.metric("mae") == Approx(15 / 3.0));
  CHECK(e.metric("spearman") == Approx(1));
  CHECK(e.metric("pearson") == Approx(0.9538209665));  // numpy.corrcoef
}

TEST_CASE("several heads: weighted losses add up, a name finds its head") {
  Example example = with_value(1);
  example.label = 1;
  const GivenData data({example, example});
  const Collator collator({{TargetKind::kLabel, 0, false}, {TargetKind::kValue, 0, false}}, 20, 7, {{}, {}});
  class TwoHeads : public FakeEngine {
    void forward(const Batch& batch, ForwardResult& result, Want, Probe*) override {
      CHECK(batch.targets.size() == 2);
      result.resize(2);
      result[0] = {2, {1, 3}, {1, 0}, {}};
      result[1] = {1, {4, 6}, {0, 0}, {0.5, 1}};
    }
  } engine;
  const std::vector<MeasuredHead> heads{{ObjectiveKind::kSequenceClassification, 2, {}, {}, {}},
                                        {ObjectiveKind::kRegression, 0.5, {}, {}, {}}};
  const Evaluation e = evaluate(engine, data, collator, heads, {100, 0});
  CHECK(e.loss == Approx(2 * 2 + 0.5 * 5));
  CHECK(e.metric("loss") == e.loss);
  CHECK(e.metric("regression.loss") == Approx(5));
  CHECK(e.metric("accuracy") == Approx(0.5));
  CHECK(e.metric("mae") == Approx(0.25));
}
