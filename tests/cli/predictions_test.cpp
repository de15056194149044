// What is read of lines of text, and what is said of them, by models whose parameters are random.
#include "cli/predictions.h"

#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/rng.h"
#include "cli/embeddings.h"
#include "data/files.h"
#include "support/error_of.h"

using namespace vitrine;
using Catch::Matchers::Contains;
using nlohmann::json;

namespace {

const std::vector<std::string> kLabels = {"one", "two", "three"}, kTags = {"B-x", "I-x", "O"};

// A run of `objective` (YAML) that nobody trained, over the characters a … e and the blank.
Run make_run(const TemporaryFolder& folder, const std::string& objective, const std::string& more = "") {
  const std::string yaml =
      "data: {kind: random, vocabulary_size: 10, length: 6, max_length: 6}\nmodel: {width: 8, layers: 1, heads: 2, hidden: 12}\n"
      "training: {steps: 1}\nobjective: " +
      objective + "\nrun: {threads: 2" + more + "}\n";
  Run run{RunDirectory::create(folder / std::to_string(hash_name(objective)), RunDirectory::Mode::kNew),
          parse_config(yaml, "test").config,
          {},
          {}};
  run.learned.tokenizer = make_character_tokenizer({"a", "b", "c", "d", "e", " "});
  run.learned.labels = kLabels, run.learned.tags = kTags;
  run.learned.scale = ValueScale{100, 10};
  const auto engine = make_engine(run.config.run.precision, engine_settings_of(run.config, run.learned.tokenizer->size(),
                                                                               {run.learned.labels, run.learned.tags}, 1, 6));
  for (const NamedTensor& p : engine->parameters())
    for (int64_t i = 0; i < p.count(); ++i)
      engine->set(p.name, i, RngKey{5, hash_name(p.name), 0}.normal(static_cast<uint32_t>(i), 0));
  run.checkpoint.model.tensors = engine->parameters();
  return run;
}

struct Said {
  std::string out;
  std::vector<Text> texts;
  std::vector<size_t> batches;  // lines in each
  ForwardResult last;           // of the last batch
};
using Change = std::function<void(ForwardResult&)>;  // of what the model said, before it is written
Said predict(const Run& run, const std::string& lines, bool json_lines, size_t answers = 2, const Change& change = {}) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "lines.txt", lines);
  TextModel model(run, 64);
  const PredictionWriter writer(model, answers, json_lines);
  TextBatches batches(model, folder / "lines.txt");
  Said said;
  while (batches.next()) {
    said.batches.push_back(batches.texts().size());
    if (batches.batch().sequence_count() > 0) model.engine().forward(batches.batch(), said.last, Want::kLogits);
    if (change) change(said.last);
    for (const Text& text : batches.texts()) {
      writer.append(said.out, text, batches.batch(), said.last);
      said.texts.push_back(text);
    }
  }
  return said;
}

}  // namespace

TEST_CASE("labels with their probabilities") {
  const TemporaryFolder folder;
  const Run run = make_run(folder, "{kind: sequence_classification, classes: 3}");
  const Said said = predict(run, "abc\n\neda b\n", true);
  const std::vector<double>& z = said.last[0].logits;
  REQUIRE(z.size() == 6);
  const json first = json::parse(said.out.substr(0, said.out.find('\n')));
  double sum = 0;
  for (size_t c = 0; c < 3; ++c) sum += std::exp(z[c]);
  for (size_t c = 0; c < 3; ++c)
    CHECK(first["probabilities"][kLabels[c]].get<double>() == Approx(std::exp(z[c]) / sum).epsilon(1e-6));
  CHECK(first["label"] == kLabels[size_t(said.last[0].predictions[0])]);
  CHECK(said.texts[1].sequence == -1);
  CHECK(said.texts[2].sequence == 1);
  const std::string third = said.out.substr(said.out.find("{}\n") + 3);
  CHECK(json::parse(third)["label"] == kLabels[size_t(said.last[0].predictions[1])]);
  const std::string plain = predict(run, "abc\n", false).out;
  CHECK_THAT(plain, Catch::Matchers::StartsWith(first["label"].get<std::string>() + "\t"));
  CHECK(std::count(plain.begin(), plain.end(), '\t') == 3);  // two answers
}

TEST_CASE("a run on pairs reads two texts with a tab between them") {
  const TemporaryFolder folder;
  Run run = make_run(folder, "{kind: sequence_classification, classes: 3, pooling: cls}");
  run.config.data.kind = DataKind::kTable, run.config.data.text = {"one", "other"};
  const auto read = [&](const std::string& lines) {
    write_file_atomically(folder / "pairs.txt", lines);
    TextModel model(run, 64);
    TextBatches batches(model, folder / "pairs.txt");
    std::vector<Batch> out;
    try {
      while (batches.next()) out.push_back(batches.batch());
    } catch (const Error& error) {
      CHECK_THAT(error.what(),
                 Contains("pairs.txt:3: this run was trained on pairs; expected two texts with a tab between them"));
      return std::pair{out, true};
    }
    return std::pair{out, false};
  };
  constexpr int32_t kCls = Tokenizer::kCls, kSep = Tokenizer::kSep;
  const auto [batches, failed] = read("a\tb\n\nabcd\tabcd\n");  // five tokens beside [CLS]: one of the second text
  REQUIRE_FALSE(failed);
  CHECK(batches[0].tokens == std::vector<int32_t>{kCls, 4, kSep, 5, kSep, kCls, 4, 5, kSep, 4, kSep});
  CHECK(batches[0].types == std::vector<int32_t>{0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 1});
  for (const char* wrong : {"abc", "a\tb\tc", "a\t", "\tb", "\t"}) {
    CAPTURE(wrong);
    const auto [before, said] = read(std::string("a\tb\nc\td\n") + wrong + "\n");
    CHECK(said);
    REQUIRE(before.size() == 1);
    CHECK(before[0].sequence_count() == 2);
  }
}

TEST_CASE("the tag of a word is that of its first piece") {
  const TemporaryFolder folder;
  const Run run = make_run(folder, "{kind: token_classification, classes: 3}");
  const auto differ = [](ForwardResult& result) {  // no piece has the tag of a neighbour, whatever a random model says
    std::vector<int32_t>& tags = result[0].predictions;
    for (size_t m = 0; m < tags.size(); ++m) tags[m] = std::vector{0, 1, 2, 1, 2, 0, 1}.at(m);
  };
  const auto said = [&](const Run& by, const std::string& lines, bool json_lines) {
    return predict(by, lines, json_lines, 2, differ).out;
  };
  // The pieces: blank blank a b UNK c
  CHECK(json::parse(said(run, "  ab\tc\n", true)) == json{{"words", {"ab", "c"}}, {"tags", {"O", "B-x"}}});
  CHECK(said(run, "  ab\tc\n", false) == "ab\tO\nc\tB-x\n\n");
  // Words that were cut off have none.
  CHECK(json::parse(said(run, "abcd efg h\n", true))["tags"] == json{"B-x", "B-x", nullptr});
  CHECK(said(run, "abcd efg h\n", false) == "abcd\tB-x\nefg\tB-x\nh\t-\n\n");
  // With [CLS] in front, which another head asks for, the rows move and the words do not: a blank b c, d blank b
  const Run both =
      make_run(folder, "[{kind: token_classification, classes: 3}, {kind: sequence_classification, classes: 3, pooling: cls}]");
  const std::string two = said(both, "a bc\nd b\n", true);
  CHECK(json::parse(two.substr(two.find('\n')))["token_classification"] == json{{"words", {"d", "b"}}, {"tags", {"O", "I-x"}}});
}

TEST_CASE("a number in the units of the data, and labels that hold") {
  const TemporaryFolder folder;
  const Said number = predict(make_run(folder, "{kind: regression}"), "abc\n", true);
  CHECK(json::parse(number.out)["value"].get<double>() == Approx(100 + 10 * number.last[0].logits[0]).epsilon(1e-6));
  const Run run = make_run(folder, "{kind: multi_label_classification, classes: 3}");
  const Said labels = predict(run, "abc\nd\nee a\n", true);
  std::istringstream lines(labels.out);
  std::string line;
  for (size_t b = 0; std::getline(lines, line); ++b) {
    const json said = json::parse(line);
    size_t holding = 0;
    for (size_t c = 0; c < 3; ++c) {
      const double z = labels.last[0].logits[3 * b + c];
      CHECK(said["probabilities"][kLabels[c]].get<double>() == Approx(1 / (1 + std::exp(-z))).epsilon(1e-6));
      holding += z > 0;
    }
    CHECK(said["labels"].size() == holding);
  }
}

TEST_CASE("each mask has its own fillings, and none is a special token") {
  const TemporaryFolder folder;
  const Run run = make_run(folder, "{kind: masked_lm}", ", precision: float64");
  const Said said = predict(run, "a[MASK]b\nc\n[MASK][MASK]\n", true, 7);
  REQUIRE(said.last[0].predictions.size() == 3);
  std::istringstream lines(said.out);
  std::string line;
  std::vector<size_t> masks;
  size_t m = 0;
  while (std::getline(lines, line)) {
    const json all = json::parse(line)["masks"];
    masks.push_back(all.size());
    for (const json& fillings : all) {
      CHECK(fillings.size() == 7);  // a … e, blank, [UNK]
      double sum = 0, before = 1;
      for (int32_t c = 0; c < 10; ++c) sum += std::exp(said.last[0].logits[10 * m + size_t(c)]);
      for (const json& f : fillings) {
        const int32_t id = run.learned.tokenizer->find(f["token"].get<std::string>());
        CHECK((id == Tokenizer::kUnknown || id >= Tokenizer::kSpecialCount));
        CHECK(f["probability"].get<double>() == Approx(std::exp(said.last[0].logits[10 * m + size_t(id)]) / sum).epsilon(1e-12));
        CHECK(f["probability"].get<double>() <= before);
        before = f["probability"].get<double>();
      }
      ++m;
    }
  }
  CHECK(masks == std::vector<size_t>{1, 0, 2});
}

TEST_CASE("batches hold all lines, however many, and each line at most what the model takes") {
  const TemporaryFolder folder;
  const Run run = make_run(folder, "{kind: sequence_classification, classes: 3}");
  std::string lines;
  for (int i = 0; i < 9000; ++i)
    lines += std::string("abcdea", 1 + static_cast<size_t>(i % 6)) + (i % 5 == 0 ? "bbbbbb" : "") + "\n";
  const Said said = predict(run, lines, true);
  REQUIRE(said.texts.size() == 9000);
  CHECK(said.batches.size() > 1);
  for (size_t i = 0; i < 9000; ++i) {
    CHECK(said.texts[i].line == int64_t(i) + 1);
    CHECK(said.texts[i].pieces.size() == std::min<size_t>(6, 1 + i % 6 + (i % 5 == 0 ? 6 : 0)));
    CHECK(said.texts[i].cut == (i % 5 == 0));
  }
  std::istringstream all(said.out);
  std::vector<std::string> answers;
  for (std::string line; std::getline(all, line);) answers.push_back(line);
  REQUIRE(answers.size() == 9000);
  for (size_t i = 30; i < 9000; ++i) CHECK((answers[i] == answers[i - 30]));
}

TEST_CASE("a pooled vector is what the classifier reads, the vectors of the tokens what the tagger reads") {
  for (const std::string pooling : {"mean", "cls"})
    for (const std::string precision : {"float32", "float64"}) {
      CAPTURE(pooling, precision);
      const TemporaryFolder folder;
      const Run run = make_run(
          folder,
          "[{kind: sequence_classification, classes: 3, pooling: " + pooling + "}, {kind: token_classification, classes: 3}]",
          ", precision: " + precision);
      write_file_atomically(folder / "lines.txt", "abc\nd\nee a\n");
      TextModel model(run, 64);
      TextBatches batches(model, folder / "lines.txt", EmptyLines::kRefused);
      REQUIRE(batches.next());
      Embeddings all;
      append_embeddings(all, model, batches.batch(), true);
      ForwardResult result;
      model.engine().forward(batches.batch(), result, Want::kLogits);
      const int64_t cls = pooling == "cls" ? 1 : 0;
      CHECK(all.offsets == std::vector<int64_t>{0, 3 + cls, 4 + 2 * cls, 8 + 3 * cls});
      const auto D = static_cast<size_t>(all.width);
      REQUIRE(all.pooled.size() == 3 * D);
      const auto logit = [&](const std::string& head, const double* x, size_t c) {
        const std::vector<double> W = run.checkpoint.model.at(head + ".weight").as_double();
        double z = run.checkpoint.model.at(head + ".bias").as_double()[c];
        for (size_t j = 0; j < D; ++j) z += W[c * D + j] * x[j];
        return z;
      };
      const Targets& tagged = batches.batch().targets[1];
      for (size_t c = 0; c < 3; ++c) {
        for (size_t b = 0; b < 3; ++b)
          CHECK(logit("classifier", &all.pooled[b * D], c) == Approx(result[0].logits[3 * b + c]).margin(1e-4));
        for (size_t m = 0; m < tagged.rows.size(); ++m)
          CHECK(logit("tagger", &all.tokens[static_cast<size_t>(tagged.rows[m]) * D], c) ==
                Approx(result[1].logits[3 * m + c]).margin(1e-4));
      }
    }
}

TEST_CASE("an empty line has no vectors") {
  const TemporaryFolder folder;
  const Run run = make_run(folder, "{kind: regression}");
  write_file_atomically(folder / "lines.txt", "abc\n\n");
  TextModel model(run, 64);
  TextBatches batches(model, folder / "lines.txt", EmptyLines::kRefused);
  CHECK_THAT(error_of(ErrorKind::kData, [&] { batches.next(); }), Contains("lines.txt:2: an empty line has no vectors"));
}
