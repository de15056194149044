#include "data/floors.h"

#include <chrono>
#include <cmath>

#include "data/files.h"
#include "support/catch.h"

using namespace vitrine;

namespace {

SplitFloors floors_of(const Files& files, const Corpus& corpus, const Dataset& split) {
  const Collator collator(files.target, corpus.tokenizer->size(), 1);
  return FloorCounts(corpus, files.target).measure(split, collator, 0, split.size());
}

// Every sentence is w0 w1, masked at position 1, with a link of class 0 from w0 to it; the grammar would say −log p = 0.25.
class LinkedDataset final : public Dataset {
 public:
  explicit LinkedDataset(std::vector<std::pair<int32_t, int32_t>> sentences) : sentences_(std::move(sentences)) {}
  int64_t size() const override { return static_cast<int64_t>(sentences_.size()); }
  int64_t length(int64_t) const override { return 2; }
  void read(int64_t i, Example& out, int64_t) const override {
    out.clear();
    out.tokens = {sentences_[i].first, sentences_[i].second};
    out.masked = 1;
  }
  std::vector<Link> links(int64_t i) const override {
    if (i % 2 == 1) return {};
    return {{.link_class = 0, .target = 1, .sources = {0}, .value = 0, .pair_value = 1, .pair = {5, 1}, .attractor = false}};
  }
  double entropy(int64_t i) const override { return i % 2 == 1 ? 0.5 : 0.25; }

 private:
  std::vector<std::pair<int32_t, int32_t>> sentences_;
};

}  // namespace

TEST_CASE("floors of a causal model, by hand") {
  // Training stream a b a b a c: targets b a b a c after a b a b a. K = V − 3 = 4: [UNK] a b c.
  Files files(DataKind::kText, "a b a b a c");
  files.target = {TargetKind::kNext, 0, false};
  files.data.validation.path = files.write("v.txt", "a b c x a");
  const Corpus corpus = files.load();
  const Floors f = floors_of(files, corpus, *corpus.validation).all;
  const double pa = 3.0 / 9, pb = 3.0 / 9, pc = 2.0 / 9, pu = 1.0 / 9;  // (n + 1) / (5 + 4)
  CHECK(*f.uniform == Approx(std::log(4)));
  CHECK(*f.unigram == Approx(-(std::log(pb) + std::log(pc) + std::log(pu) + std::log(pa)) / 4));
  // After a: b b c, so n_a = 3, d_a = 2; after b: a a, n = 2, d = 1; after c and after [UNK] nothing was seen.
  CHECK(*f.bigram == Approx(-(std::log((2 + 2 * pb) / 5) + std::log((0 + 1 * pc) / 3) + std::log(pu) + std::log(pa)) / 4));
  CHECK(*f.majority == Approx(1.0 / 4));  // a and b are as frequent; the first one answers
  CHECK(!f.entropy);
  CHECK(f.named().size() == 4);
  CHECK(f.named()[1].first == "unigram");
}

TEST_CASE("with [CLS] the first token has a left neighbour") {
  Files files(DataKind::kLines, "a b\na c\nb c\n");
  files.target = {TargetKind::kNext, 0, true};
  const Corpus corpus = files.load();
  const Floors f = floors_of(files, corpus, *corpus.train).all;
  // Targets a b a c b c. [CLS]: a a b, n 3, d 2; a: b c, n 2, d 2; b: c, n 1, d 1. p(a) = p(b) = p(c) = 3/10.
  const double p = 0.3;
  const double sum =
      2 * std::log((2 + 2 * p) / 5) + std::log((1 + 2 * p) / 5) + 2 * std::log((1 + 2 * p) / 4) + std::log((1 + p) / 2);
  CHECK(*f.bigram == Approx(-sum / 6));
  CHECK(*f.unigram == Approx(-std::log(p)));
}

TEST_CASE("of a masked model every training token counts, and a masked neighbour is no context") {
  Files files(DataKind::kLines, "a b c\na b c\nd b c\n");
  files.target = {TargetKind::kMasked, 1.0, false};  // all are predicted: no context but the beginning
  const Corpus corpus = files.load();
  const Floors f = floors_of(files, corpus, *corpus.train).all;
  const auto p = [](double n) { return (n + 1) / (9 + 5); };
  CHECK(*f.uniform == Approx(std::log(5)));
  CHECK(*f.unigram == Approx(-(2 * std::log(p(2)) + std::log(p(1)) + 6 * std::log(p(3))) / 9));
  // Nothing at all stands before a a d: n 3, d 2.
  CHECK(*f.bigram == Approx(-(2 * std::log((2 + 2 * p(2)) / 5) + std::log((1 + 2 * p(1)) / 5) + 6 * std::log(p(3))) / 9));

  files.target.rate = 0.1;  // one a line, so that the left neighbour is seen
  const Corpus one = files.load();
  const Collator collator(files.target, one.tokenizer->size(), 1);
  double sum = 0;
  for_each_batch(*one.train, collator, 100, 0, 3, [&](const Batch& batch) {
    for (int64_t b = 0; b < 3; ++b) {
      const int32_t t = batch.targets[0].rows[b] - static_cast<int32_t>(batch.offsets[b]), c = batch.targets[0].classes[b];
      const std::string_view word = one.tokenizer->token(c);
      if (t == 0)
        sum += word == "a" ? std::log((2 + 2 * p(2)) / 5) : std::log((1 + 2 * p(1)) / 5);
      else if (t == 1)
        sum += b == 2 ? std::log((1 + p(3)) / 2) : std::log((2 + p(3)) / 3);
      else
        sum += std::log((3 + p(3)) / 4);
    }
  });
  CHECK(*floors_of(files, one, *one.train).all.bigram == Approx(-sum / 3));
}

TEST_CASE("a neighbour that is itself to be predicted is no context, even where its token was left as it is") {
  std::string text;
  for (int i = 0; i < 200; ++i) text += "a b c\n";
  Files files(DataKind::kLines, text);
  files.target = {TargetKind::kMasked, 1.0, false};
  const Corpus corpus = files.load();
  const double p = 201.0 / 604, first = (200 + p) / 201;
  CHECK(*floors_of(files, corpus, *corpus.train).all.bigram == Approx(-(std::log(first) + 2 * std::log(p)) / 3));
}

TEST_CASE("floors of a classifier: the class prior and the majority") {
  Files files(DataKind::kLabelledLines, "x a\nx b\ny c\n");
  files.target = {TargetKind::kLabel, 0, false};
  files.data.test.path = files.write("t.txt", "x a\ny a\ny b\nz c\n");
  const Corpus corpus = files.load();
  const Floors f = floors_of(files, corpus, *corpus.test).all;
  CHECK(*f.uniform == Approx(std::log(2)));
  CHECK(*f.unigram == Approx(-(std::log(3.0 / 5) + 2 * std::log(2.0 / 5)) / 3));  // without the unknown label
  CHECK(*f.majority == Approx(1.0 / 4));                                          // in which it counts
  CHECK(!f.bigram);
  CHECK(!f.entropy);
}

TEST_CASE("links have floors of their own") {
  Corpus corpus;
  corpus.tokenizer = make_word_tokenizer({"p", "q", "r", "s"});
  corpus.link_classes.resize(2);
  // Targets 6 7 6 6; with a link: 6 6.
  corpus.train = std::make_unique<LinkedDataset>(std::vector<std::pair<int32_t, int32_t>>{{4, 6}, {5, 7}, {4, 6}, {5, 6}});
  const LinkedDataset split({{4, 6}, {5, 6}, {4, 7}});
  for (const bool cls : {false, true}) {
    const TargetSettings target{TargetKind::kMasked, 0.15, cls};
    const Collator collator(target, 8, 1);
    const SplitFloors f = FloorCounts(corpus, target).measure(split, collator, 0, 3);
    CHECK(*f.all.uniform == Approx(std::log(5)));
    CHECK(*f.all.unigram == Approx(-(2 * std::log(4.0 / 9) + std::log(2.0 / 9)) / 3));
    CHECK(*f.all.bigram ==
          Approx(-(std::log((2 + 4.0 / 9) / 3) + std::log((1 + 2 * 4.0 / 9) / 4) + std::log((2.0 / 9) / 3)) / 3));
    CHECK(*f.all.majority == Approx(2.0 / 3));
    CHECK(*f.all.entropy == Approx(1.0 / 3));
    REQUIRE(f.links.size() == 2);
    CHECK(f.links[0].count == 2);
    CHECK(*f.links[0].unigram == Approx(-(std::log(3.0 / 7) + std::log(1.0 / 7)) / 2));
    CHECK(*f.links[0].entropy == Approx(0.25));
    CHECK(f.links[1].count == 0);
    CHECK(!f.links[1].unigram);
  }
  // Nothing is known of a link when the objective predicts every next token.
  const TargetSettings causal{TargetKind::kNext, 0, false};
  const SplitFloors f = FloorCounts(corpus, causal).measure(split, Collator(causal, 8, 1), 0, 3);
  CHECK(!f.all.entropy);
  CHECK(!f.links[0].unigram);
}

TEST_CASE("a split without targets has no floors but the uniform one") {
  Files files(DataKind::kLines, "a\nb\n");
  files.target = {TargetKind::kNext, 0, false};
  const Corpus corpus = files.load();
  const Floors f = floors_of(files, corpus, *corpus.train).all;
  CHECK(f.uniform);
  CHECK(!f.unigram);
  CHECK(!f.bigram);
  CHECK(!f.majority);
}

TEST_CASE("random tokens have no structure: unigram and bigram come to the uniform floor") {
  Files files(DataKind::kRandom);
  files.data.vocabulary_size = 14, files.data.length = 60, files.data.train_sentences = 60000;
  files.target = {TargetKind::kNext, 0, false};
  const Corpus corpus = files.load();
  const Floors f = floors_of(files, corpus, *corpus.validation).all;  // 3.6 million tokens: a part is read
  CHECK(*f.uniform == Approx(std::log(11)));
  CHECK(*f.unigram == Approx(std::log(10)).epsilon(1e-3));
  CHECK(*f.bigram == Approx(std::log(10)).epsilon(1e-3));
}

namespace {

class TargetsDataset : public Dataset {
 public:
  explicit TargetsDataset(std::vector<Example> examples) : examples_(std::move(examples)) {
    for (Example& e : examples_) e.tokens = {4, 5};
  }
  int64_t size() const override { return std::ssize(examples_); }
  int64_t length(int64_t) const override { return 2; }
  void read(int64_t i, Example& out, int64_t) const override { out = examples_[static_cast<size_t>(i)]; }

 private:
  std::vector<Example> examples_;
};

Example tags_of(std::vector<int32_t> tags) {
  Example e;
  e.tags = std::move(tags);
  return e;
}
Example labels_of(std::vector<int32_t> labels) {
  Example e;
  e.labels = std::move(labels);
  return e;
}
Example value_of(double value) {
  Example e;
  e.value = value;
  return e;
}

}  // namespace

TEST_CASE("floors of tags are those of their frequencies") {
  Corpus corpus;
  corpus.tokenizer = make_word_tokenizer({"p", "q"});
  corpus.tags = {"B-X", "I-X", "O"};
  corpus.train = std::make_unique<TargetsDataset>(std::vector{tags_of({2, 2}), tags_of({0, kNoTag}), tags_of({2, 1})});
  const TargetsDataset split({tags_of({2, 0}), tags_of({kNoTag, unknown_tag(0)})});
  const std::vector<TargetSettings> targets{{TargetKind::kLabel, 0, false}, {TargetKind::kTags, 0, true}};
  const Collator collator(targets, 6, 1, {{}, {}});
  const Floors f = measure_floors(corpus, targets, 1, split, collator, 0, 2).all;
  CHECK(*f.uniform == Approx(std::log(3)));
  CHECK(*f.unigram == Approx(-(std::log(4.0 / 8) + std::log(2.0 / 8)) / 2));
  CHECK(*f.majority == Approx(1 / 3.0));
  CHECK(!f.bigram);
}

TEST_CASE("floors of several labels are those of each by itself") {
  Corpus corpus;
  corpus.tokenizer = make_word_tokenizer({"p", "q"});
  corpus.labels = {"a", "b"};
  corpus.train = std::make_unique<TargetsDataset>(std::vector{labels_of({0}), labels_of({0, 1}), labels_of({0}), labels_of({})});
  const TargetsDataset split({labels_of({0}), labels_of({1}), labels_of({-1, 0})});
  const std::vector<TargetSettings> targets{{TargetKind::kLabels, 0, false}};
  const Collator collator(targets, 6, 1, {{}}, 2);
  const Floors f = measure_floors(corpus, targets, 0, split, collator, 0, 3).all;
  const double a = 4.0 / 6, b = 2.0 / 6;
  CHECK(*f.uniform == Approx(std::log(2)));
  CHECK(*f.unigram == Approx(-(std::log(a) + std::log(1 - b) + std::log(1 - a) + std::log(b)) / 4));
  CHECK(*f.majority == Approx(1 / 3.0));  // always {a}; an unknown label is not among them
}

TEST_CASE("the floor of numbers is the error of always saying their mean") {
  Corpus corpus;
  corpus.tokenizer = make_word_tokenizer({"p", "q"});
  const TargetsDataset split({value_of(1), value_of(7)});
  const std::vector<TargetSettings> targets{{TargetKind::kValue, 0, false}};
  const Collator collator(targets, 6, 1, {{}}, 0, {3, 2});
  const Floors f = measure_floors(corpus, targets, 0, split, collator, 0, 2).all;
  CHECK(*f.mean == Approx((1 + 4) / 2.0));
  CHECK(f.named() == std::vector<std::pair<std::string_view, double>>{{"mean", *f.mean}});
}
