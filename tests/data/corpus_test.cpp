#include <algorithm>
#include <filesystem>
#include <random>
#include <set>

#include "data/files.h"
#include "support/error_of.h"

using namespace vitrine;
using Catch::Matchers::Contains;
using Lines = std::vector<std::string>;

namespace {

std::vector<int32_t> labels_of(const Dataset& split) {
  std::vector<int32_t> out;
  Example e;
  for (int64_t i = 0; i < split.size(); ++i) split.read(i, e), out.push_back(e.label);
  return out;
}

std::string numbers(int n) {
  std::string text;
  for (int i = 0; i < n; ++i) text += "w" + std::to_string(i) + (i % 7 == 6 ? "\n" : " ");
  return text;
}

std::string data_error(const Files& files) {
  return error_of(ErrorKind::kData, [&] { files.load(); });
}
std::string config_error(const Files& files) {
  return error_of(ErrorKind::kConfig, [&] { files.load(); });
}

}  // namespace

TEST_CASE("a text is cut into windows that follow each other") {
  for (const TokenizerKind kind : {TokenizerKind::kCharacter, TokenizerKind::kByte, TokenizerKind::kWord})
    for (const int64_t length : {1, 2, 5, 7, 1000})
      for (const bool cls : {false, true}) {
        Files files(DataKind::kText, "naïve: don't stop, \"U.S.\" 3,000 語 times!  ");
        files.tokenizer.kind = kind;
        files.data.max_length = length + (cls ? 1 : 0);
        files.target = {TargetKind::kNext, 0, cls};
        const Corpus corpus = files.load();
        std::vector<Piece> stream;
        corpus.tokenizer->encode(corpus.files[0]->text(), stream);

        const Dataset& train = *corpus.train;
        REQUIRE(train.size() == (static_cast<int64_t>(stream.size()) + length - 1) / length);
        REQUIRE(train.window() == length);
        for (int64_t shift = 0; shift < std::min<int64_t>(length, 12); ++shift)
          for (int64_t i = 0; i < train.size(); ++i) {
            Example e;
            train.read(i, e, shift);
            REQUIRE(static_cast<int64_t>(e.tokens.size()) == train.length(i));
            const auto n = static_cast<int64_t>(stream.size());
            const int64_t begin = i + 1 == train.size() ? i * length : std::min(i * length + shift, n - train.length(i));
            for (int64_t t = 0; t < train.length(i); ++t) REQUIRE(e.tokens[t] == stream[begin + t].id);
            const int64_t after = begin + train.length(i);
            REQUIRE(e.next == (after < n ? stream[after].id : -1));
            REQUIRE(e.pieces.size() == e.tokens.size());
          }
        CHECK(corpus.longest == std::min<int64_t>(length, std::ssize(stream)) + (cls ? 1 : 0));
      }
}

TEST_CASE("the last share of a text is for validation and test, cut between words") {
  Files files(DataKind::kText, numbers(1000));
  files.data.max_length = 1000;
  files.data.validation.share = 0.2;
  files.data.test.share = 0.1;
  const Corpus corpus = files.load();
  const std::string train = text_of(corpus, *corpus.train, 0);
  CHECK(corpus.train->length(0) + corpus.validation->length(0) + corpus.test->length(0) == 1000);
  CHECK(corpus.train->length(0) == Approx(700).margin(25));
  CHECK(corpus.test->length(0) == Approx(100).margin(10));
  CHECK(train.substr(0, 8) == "w0 w1 w2");
  // Words of the other splits are not learned.
  CHECK(corpus.tokenizer->size() == corpus.train->length(0) + Tokenizer::kSpecialCount);
  CHECK(text_of(corpus, *corpus.test, 0).substr(0, 12) == "[UNK] [UNK] ");
  CHECK(corpus.split("validation") == corpus.validation.get());
  CHECK(corpus.split("other") == nullptr);
}

TEST_CASE("splits of a text may be files of their own") {
  Files files(DataKind::kText, "a b c a b c");
  files.data.validation.path = files.write("v.txt", "c b x");
  const Corpus corpus = files.load();
  CHECK(text_of(corpus, *corpus.train, 0) == "a b c a b c");
  CHECK(text_of(corpus, *corpus.validation, 0) == "c b [UNK]");
  CHECK(corpus.test == nullptr);
}

TEST_CASE("lines: empty ones are skipped, ends of lines and byte order marks are no text") {
  for (const std::string_view text : {"a b\n\n \t\nb c\nc", "a b\r\n\r\n \t\r\nb c\r\nc\r\n",
                                      "\xEF\xBB\xBF"
                                      "a b\n\nb c\nc\n\n\n"}) {
    Files files(DataKind::kLines, text);
    const Corpus corpus = files.load();
    CHECK(texts_of(corpus, *corpus.train) == Lines{"a b", "b c", "c"});
    CHECK(corpus.shortest == 1);
    CHECK(corpus.longest == 2);
    CHECK(corpus.tokenizer->size() == 3 + Tokenizer::kSpecialCount);
    CHECK(corpus.labels.empty());
    CHECK(labels_of(*corpus.train) == std::vector<int32_t>{-1, -1, -1});
  }
  Files characters(DataKind::kLines, "ab \r\ncd\r\n");
  characters.tokenizer.kind = TokenizerKind::kCharacter;
  const Corpus corpus = characters.load();
  CHECK(texts_of(corpus, *corpus.train) == Lines{"ab ", "cd"});
}

TEST_CASE("labelled lines") {
  Files files(DataKind::kLabelledLines, "pos good film\nneg\tbad  film\n\n  pos   so good\nmid so so\n");
  files.target = {TargetKind::kLabel, 0, false};
  files.data.test.path = files.write("test.txt", "neg good bad\nnew film\nmid x\n");
  const Corpus corpus = files.load();
  CHECK(corpus.labels == Lines{"mid", "neg", "pos"});
  CHECK(labels_of(*corpus.train) == std::vector<int32_t>{2, 1, 2, 0});
  CHECK(texts_of(corpus, *corpus.train) == Lines{"good film", "bad film", "so good", "so so"});
  CHECK(labels_of(*corpus.test) == std::vector<int32_t>{1, -1, 0});
  CHECK(corpus.cut.unknown_labels == 1);
  CHECK(text_of(corpus, *corpus.test, 2) == "[UNK]");  // a sentence of unknown words only

  Files as_text = Files(DataKind::kLabelledLines, "x good film\n");  // to pre-train on: one class is no mistake
  CHECK(as_text.load().cut.unknown_labels == 0);
}

TEST_CASE("a latin-1 file becomes UTF-8") {
  Files files(DataKind::kLabelledLines,
              "4 sister\xA0"
              "city\r\n5 caf\xE9\r\n");
  files.data.encoding = Encoding::kLatin1;
  const Corpus corpus = files.load();
  CHECK(texts_of(corpus, *corpus.train) == Lines{"sister\xC2\xA0"
                                                 "city",
                                                 "café"});
}

TEST_CASE("a share of lines is drawn at random, as a function of the seed") {
  Files files(DataKind::kLines, numbers(700));  // 100 lines
  files.data.validation.share = 0.2;
  files.data.test.share = 0.1;
  const Corpus a = files.load(5), again = files.load(5), b = files.load(6);
  CHECK(a.train->size() == 70);
  CHECK(a.validation->size() == 20);
  CHECK(a.test->size() == 10);
  const auto first_words = [](const Dataset& split) {
    std::vector<uint32_t> out;
    Example e;
    for (int64_t i = 0; i < split.size(); ++i) split.read(i, e), out.push_back(static_cast<uint32_t>(e.tokens[0]));
    return out;
  };
  CHECK(first_words(*a.train) == first_words(*again.train));
  CHECK(texts_of(a, *a.train) == texts_of(again, *again.train));
  CHECK(texts_of(a, *a.train) != texts_of(b, *b.train));

  // Together they are the file, each line once, and each part keeps the order of the file.
  files.tokenizer.kind = TokenizerKind::kByte;
  const Corpus c = files.load(5);
  std::set<std::string> all;
  for (const Dataset* split : {c.train.get(), c.validation.get(), c.test.get()}) {
    int last = -1;
    for (const std::string& line : texts_of(c, *split)) {
      CHECK(all.insert(line).second);
      const int number = std::stoi(line.substr(1));
      CHECK(number > last);
      last = number;
    }
  }
  CHECK(all.size() == 100);
}

TEST_CASE("sequences that are too long are cut and counted, with [CLS] in the limit") {
  Files files(DataKind::kLines, "a b c d e f\na b\na b c d\n");
  files.data.max_length = 4;
  Corpus corpus = files.load();
  CHECK(texts_of(corpus, *corpus.train) == Lines{"a b c d", "a b", "a b c d"});
  CHECK(corpus.cut.sequences_cut == 1);
  CHECK(corpus.cut.tokens_cut == 2);
  CHECK(corpus.longest == 4);
  files.target.prepend_cls = true;
  corpus = files.load();
  CHECK(texts_of(corpus, *corpus.train) == Lines{"a b c", "a b", "a b c"});
  CHECK(corpus.cut.sequences_cut == 2);
  CHECK(corpus.cut.tokens_cut == 4);
  CHECK(corpus.train->length(0) == 3);
  CHECK(corpus.longest == 4);
  CHECK(corpus.shortest == 3);
}

TEST_CASE("what an earlier run has learned is used as it is") {
  Files files(DataKind::kLabelledLines, "b x y\nc z x\n");
  files.target = {TargetKind::kLabel, 0, false};
  const Corpus corpus =
      load_corpus(files.data, files.tokenizer, {files.target}, 1, {make_word_tokenizer({"y", "x"}), {"a", "b"}, {}, {}});
  CHECK(corpus.tokenizer->size() == 6);
  CHECK(texts_of(corpus, *corpus.train) == Lines{"x y", "[UNK] x"});
  CHECK(corpus.labels == Lines{"a", "b"});
  CHECK(labels_of(*corpus.train) == std::vector<int32_t>{1, -1});
  CHECK(corpus.cut.unknown_labels == 1);
}

TEST_CASE("random tokens are uniform, never special, and a function of the seed") {
  Files files(DataKind::kRandom);
  files.data.vocabulary_size = 14, files.data.length = 25, files.data.classes = 3, files.data.train_sentences = 800;
  files.target = {TargetKind::kLabel, 0, true};
  const Corpus a = files.load(1), again = files.load(1), b = files.load(2);
  CHECK(a.tokenizer->size() == 14);
  CHECK(a.train->size() == 800);
  CHECK(a.labels == Lines{"0", "1", "2"});
  CHECK(a.longest == 26);
  std::vector<int> counts(14), classes(3);
  Example e, f;
  for (int64_t i = 0; i < 800; ++i) {
    a.train->read(i, e), again.train->read(i, f);
    CHECK(e.tokens == f.tokens);
    for (int32_t token : e.tokens) ++counts[token];
    ++classes[e.label];
    CHECK(e.next >= Tokenizer::kSpecialCount);
  }
  for (int id = 0; id < Tokenizer::kSpecialCount; ++id) CHECK(counts[id] == 0);
  for (int id = Tokenizer::kSpecialCount; id < 14; ++id) CHECK(counts[id] == Approx(2000).margin(220));
  for (int count : classes) CHECK(count == Approx(267).margin(70));
  b.train->read(0, f), a.train->read(0, e);
  CHECK(e.tokens != f.tokens);
  a.validation->read(0, f);
  CHECK(e.tokens != f.tokens);
  files.data.max_length = 20;
  const Corpus cut = files.load();
  CHECK(cut.longest == 20);
  CHECK(cut.cut.tokens_cut == 6 * (800 + 2000 + 2000));
}

TEST_CASE("bytes that are no text are reported with file, line and offset") {
  Files files(DataKind::kLines, "good\nalso good\nna\xEFve\n");
  CHECK_THAT(data_error(files), Contains("train.txt:3: byte 0xEF at offset 17 is not valid UTF-8") && Contains("latin-1"));
  files.data.train = files.write("nul.txt", std::string_view("ab\nc\0d\n", 7));
  CHECK_THAT(data_error(files), Contains("nul.txt:2: a NUL byte at offset 4"));
  files.data.train = files.write("utf16.txt", std::string_view("\xFF\xFE"
                                                               "a\0b\0",
                                                               6));
  CHECK_THAT(data_error(files), Contains("UTF-16") && Contains("iconv"));
  files.data.train = files.write("bom.txt", "\xEF\xBB\xBFok\n");
  files.data.encoding = Encoding::kLatin1;
  CHECK_THAT(data_error(files), Contains("byte order mark of UTF-8, but data.encoding is latin-1"));
}

TEST_CASE("files that hold nothing, or are none") {
  for (const DataKind kind : {DataKind::kText, DataKind::kLines, DataKind::kLabelledLines})
    for (const std::string_view nothing : {"", "\n\n", " \r\n\t\n", "\xEF\xBB\xBF"}) {
      Files files(kind);
      files.data.train = files.write("empty.txt", nothing);
      CHECK_THAT(data_error(files), Contains("empty.txt: no text"));
      files.data.train = files.write("train.txt", "a b\nb a\n");
      files.data.validation.path = files.folder / "empty.txt";
      CHECK_THAT(data_error(files), Contains("empty.txt: no text"));
      files.data.validation.path = files.folder / "nothing";
      std::filesystem::create_directory(files.data.validation.path);
      CHECK_THAT(data_error(files), Contains("nothing' is a folder without a file in it"));
      files.data.train = files.folder / "missing.txt";
      CHECK_THAT(data_error(files), Contains("missing.txt"));
    }
}

TEST_CASE("shares that leave a split empty are refused") {
  Files files(DataKind::kLines, "a\nb\nc\n");
  files.data.validation.share = 0.1;
  CHECK_THAT(data_error(files), Contains("data.validation: a share of 0.1 of 3 lines is 0"));
  files.data.validation.share = 0.9;
  CHECK_THAT(data_error(files), Contains("0 left to train on"));
  files.data.validation.share = 0.5, files.data.test.share = 0.5;
  CHECK_THAT(config_error(files), Contains("leave nothing of the training file"));
  Files text(DataKind::kText, "a few words       \n");
  text.data.validation.share = 0.1;
  CHECK_THAT(data_error(text), Contains("data.validation: the share of ") && Contains("train.txt: no text"));
}

TEST_CASE("labels that are missing or of no use") {
  Files files(DataKind::kLabelledLines, "0 fine\n1\n");
  CHECK_THAT(data_error(files), Contains("train.txt:2: label \"1\" without a text"));
  files.data.train = files.write("tab.txt", "0 fine\n\n1 \t \n");
  CHECK_THAT(data_error(files), Contains("tab.txt:3: label \"1\" without a text"));
  files.data.train = files.write("one.txt", "0 fine\n0 too\n");
  files.target.kind = TargetKind::kLabel;
  CHECK_THAT(data_error(files), Contains("every line has the label \"0\""));
  files.data.kind = DataKind::kLines;
  CHECK_THAT(config_error(files), Contains("needs labels"));
}

TEST_CASE("settings that make no sequence") {
  Files files(DataKind::kLines, "a b\n");
  files.data.max_length = 1;
  CHECK(files.load().longest == 1);
  files.target.prepend_cls = true;
  CHECK_THAT(config_error(files), Contains("data.max_length: 1 leaves no room for a token beside [CLS]"));
  files.data.kind = DataKind::kRandom;
  files.data.max_length = 8, files.data.vocabulary_size = 4, files.data.length = 3;
  CHECK_THAT(config_error(files), Contains("data.vocabulary_size: 4"));
  files.data.vocabulary_size = 5, files.data.length = 0;
  CHECK_THAT(config_error(files), Contains("data.length"));
  files.data.length = 3;
  CHECK(files.load().train->size() == 20000);  // a vocabulary of one
}

TEST_CASE("a line of 10 MB, and one of a single word of 10 MB") {
  std::string text = "short one\n";
  for (int i = 0; i < 2'000'000; ++i) text += "word ";
  text += "\n" + std::string(10'000'000, 'x') + "\n";
  for (const TokenizerKind kind : {TokenizerKind::kWord, TokenizerKind::kCharacter}) {
    Files files(DataKind::kLines, text);
    files.tokenizer.kind = kind;
    const Corpus corpus = files.load();
    REQUIRE(corpus.train->size() == 3);
    CHECK(corpus.longest == 128);
    if (kind == TokenizerKind::kWord) {
      CHECK(corpus.cut.tokens_cut == 2'000'000 - 128);
      CHECK(text_of(corpus, *corpus.train, 2) == "[UNK]");
    }
  }
}
