#include "data/summary.h"

#include "data/files.h"
#include "support/catch.h"

using namespace vitrine;
using Names = std::vector<std::string>;

namespace {

Corpus three_splits(Files& files, std::string_view validation, std::string_view test) {
  files.target = {TargetKind::kLabel, 0, false};
  files.data.validation.path = files.write("validation.txt", validation);
  files.data.test.path = files.write("test.txt", test);
  return files.load();
}

}  // namespace

TEST_CASE("a summary counts sequences, lengths, labels and unknown words of each split") {
  Files files(DataKind::kLabelledLines, "x a b c\ny a\ny a b\nx a b c d e\n");
  files.data.max_length = 4;
  const Corpus corpus = three_splits(files, "x a q q\nz r b\n", "y b\n");
  const CorpusSummary summary = summarize(corpus, 1);
  REQUIRE(summary.splits.size() == 3);
  const SplitSummary &train = summary.splits[0], &validation = summary.splits[1];
  CHECK(train.name == "train");
  CHECK(train.sequences == 4);
  CHECK(train.tokens == 3 + 1 + 2 + 4);  // d and e: one of them is cut off
  CHECK(train.lengths == std::vector<int64_t>{0, 1, 1, 1, 1});
  CHECK(train.shortest == 1);
  CHECK(train.median == 2);
  CHECK(train.longest == 4);
  CHECK(train.unknown == 0);
  CHECK(train.labels == std::vector<int64_t>{2, 2});
  CHECK(train.unlabelled == 0);
  CHECK(validation.unknown == 3);
  CHECK(validation.unknown_words == Counts{{"q", 2}, {"r", 1}});
  CHECK(validation.labels == std::vector<int64_t>{1, 0});
  CHECK(validation.unlabelled == 1);
  CHECK(validation.median == 2);
  CHECK(summary.splits[2].sequences == 1);
  CHECK(summary.leaks.empty());
}

TEST_CASE("a text that stands twice is repeated, and contradicted where its label differs") {
  Files files(DataKind::kLabelledLines, "x a b\ny c\ny a b\ny  a b\nx a  b\ny c\n");
  const Corpus corpus = three_splits(files, "x p\nx p\nx p\n", "y p q\n");
  const CorpusSummary summary = summarize(corpus, 2);
  CHECK(summary.splits[0].repeated == 3);  // "a  b" is another text; space before the first word is none of it
  CHECK(summary.splits[0].contradicted == 2);
  CHECK(summary.splits[1].repeated == 2);
  CHECK(summary.splits[1].contradicted == 0);
  CHECK(summary.splits[2].repeated == 0);
  CHECK(summary.leaks.empty());
}

TEST_CASE("a text that stands in two splits is a leak, with examples") {
  Files files(DataKind::kLabelledLines, "x one\ny two\nx three\ny four\nx Five\n");
  const Corpus corpus = three_splits(files, "x two\nx six\n", "x seven\nx six\nx four\nx one\nx one\nx three\ny two\nx five\n");
  const CorpusSummary summary = summarize(corpus, 3);
  REQUIRE(summary.leaks.size() == 3);
  CHECK(summary.leaks[0].split == "validation");
  CHECK(summary.leaks[0].in == "train");
  CHECK(summary.leaks[0].sequences == 1);
  CHECK(summary.leaks[0].examples == Names{"two"});
  CHECK(summary.leaks[1].split == "test");
  CHECK(summary.leaks[1].in == "train");
  CHECK(summary.leaks[1].sequences == 5);
  CHECK(summary.leaks[1].examples == Names{"four", "one", "three"});  // each once, the first three of test
  CHECK(summary.leaks[2].in == "validation");
  CHECK(summary.leaks[2].sequences == 2);
  CHECK(summary.leaks[2].examples == Names{"six", "two"});
}

TEST_CASE("two unknown words are not one text") {
  Files files(DataKind::kLabelledLines, "x a\ny a b\n");
  const Corpus corpus = three_splits(files, "x p\nx q\n", "x r\n");
  const CorpusSummary summary = summarize(corpus, 1);
  CHECK(summary.splits[1].repeated == 0);
  CHECK(summary.leaks.empty());
}

TEST_CASE("a summary of tags counts words, those that training lacks by name") {
  Files files(DataKind::kTagged, "a.b. O\nnew B-x\nyork I-x\n\na O\n");
  files.target = {TargetKind::kTags, 0, false};
  files.data.test.path = files.write("test.txt", "new B-y\nyork I-x\nnew B-z\n\nnew B-z\n");
  const CorpusSummary summary = summarize(files.load(), 1);
  CHECK(summary.splits[0].tags == std::vector<int64_t>{1, 1, 2});
  CHECK(summary.splits[0].unknown_tags.empty());
  CHECK(summary.splits[1].tags == std::vector<int64_t>{0, 1, 0});
  CHECK(summary.splits[1].unknown_tags == Counts{{"B-y", 1}, {"B-z", 2}});
}

TEST_CASE("a summary is the same on any number of threads") {
  std::string text;
  for (int i = 0; i < 500; ++i)
    text += "l" + std::to_string(i % 7) + " w" + std::to_string(i % 45) + " w" + std::to_string(i % 15) + "\n";
  Files files(DataKind::kLabelledLines, text);
  files.target = {TargetKind::kLabel, 0, false};
  files.data.validation.share = 0.2, files.tokenizer.min_count = 12;
  const Corpus corpus = files.load();
  const CorpusSummary one = summarize(corpus, 1), four = summarize(corpus, 4);
  for (size_t s = 0; s < 2; ++s) {
    CHECK(one.splits[s].labels == four.splits[s].labels);
    CHECK(one.splits[s].lengths == four.splits[s].lengths);
    CHECK(one.splits[s].unknown_words == four.splits[s].unknown_words);
    CHECK(one.splits[s].repeated == four.splits[s].repeated);
    CHECK(one.splits[s].contradicted == four.splits[s].contradicted);
  }
  CHECK(one.splits[0].sequences + one.splits[1].sequences == 500);
  CHECK(one.splits[0].unknown > 0);
  REQUIRE(one.leaks.size() == 1);
  CHECK(one.leaks[0].sequences == four.leaks[0].sequences);
  CHECK(one.leaks[0].examples == four.leaks[0].examples);
}

TEST_CASE("data without a text are compared by their tokens, and numbers are summed up") {
  DataSettings data;
  data.kind = DataKind::kRandom;
  data.vocabulary_size = 6, data.length = 2;  // 4 different sequences
  data.train_sentences = 40, data.validation_sentences = 10, data.test_sentences = 0;
  const Corpus corpus = load_corpus(data, {}, {{TargetKind::kValue, 0, false}}, 1);
  const CorpusSummary summary = summarize(corpus, 2);
  REQUIRE(summary.splits.size() == 2);
  CHECK(summary.splits[0].repeated == 36);
  REQUIRE(summary.leaks.size() == 1);
  CHECK(summary.leaks[0].sequences == 10);
  CHECK(summary.leaks[0].examples.size() <= 3);
  CHECK(summary.splits[0].values == 40);
  CHECK(summary.splits[0].mean == Approx(corpus.scale->mean));
  CHECK(summary.splits[0].least < summary.splits[0].mean);
  CHECK(summary.splits[0].mean < summary.splits[0].greatest);
}
