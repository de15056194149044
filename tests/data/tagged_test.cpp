#include "data/files.h"
#include "support/error_of.h"

using namespace vitrine;
using Catch::Matchers::Contains;

namespace {

using Ids = std::vector<int32_t>;

std::string data_error(const Files& files) {
  return error_of(ErrorKind::kData, [&] { files.load(); });
}

struct Tagged : Files {
  explicit Tagged(std::string_view columns) : Files(DataKind::kTagged, columns) { target = {TargetKind::kTags, 0, false}; }
  // Parallel files; without labels where there are none.
  Tagged(std::string_view tokens, std::string_view tags, std::string_view labels = {}) : Tagged(tokens) {
    data.train_beside.tags = write("train.tags", tags);
    if (!labels.empty()) data.train_beside.labels = write("train.labels", labels);
  }
};

// "the/O cat/B-animal": of an example, each piece with its tag; of a later piece of a word no tag.
std::string shown(const Corpus& corpus, const Dataset& split, int64_t i) {
  Example e;
  split.read(i, e);
  REQUIRE(e.tags.size() == e.tokens.size());
  REQUIRE(split.length(i) == static_cast<int64_t>(e.tokens.size()));
  std::string out;
  for (size_t t = 0; t < e.tokens.size(); ++t) {
    out += (t > 0 ? " " : "") + std::string(corpus.tokenizer->token(e.tokens[t]));
    if (e.tags[t] >= 0) out += "/" + corpus.tags[e.tags[t]];
    if (e.tags[t] < kNoTag) out += "/?" + corpus.unknown_tags[-2 - e.tags[t]];
  }
  return out;
}

}  // namespace

TEST_CASE("a file with columns: a word and its tag a line, an empty line between sentences") {
  for (const std::string_view text :
       {"the DT O\ncat NN B-x\n\n\nran VB O\n", "-DOCSTART- -X- O\n\nthe DT O\ncat NN B-x\n \t \nran VB O",
        "\n the  DT\v O \r\ncat NN B-x\r\n\r\nran VB O\r\n", "\xEF\xBB\xBFthe DT O\ncat NN B-x\n\nran VB O\n",
        "the\tDT\tO\ncat\tNN\tB-x\n\t\t\nran\tVB\tO\n", "# id = 1\nthe\tDT\tO\n# so\ncat\tNN\tB-x\n\n#\nran\tVB\tO\n\n",
        "the DT O\ncat NN B-x\n-DOCSTART- -X- O\n\nran VB O\n"}) {
    CAPTURE(text);
    const Corpus corpus = Tagged(text).load();
    REQUIRE(corpus.train->size() == 2);
    CHECK(shown(corpus, *corpus.train, 0) == "the/O cat/B-x");
    CHECK(shown(corpus, *corpus.train, 1) == "ran/O");
    CHECK(corpus.tags == std::vector<std::string>{"B-x", "O"});
    CHECK(corpus.shortest == 1);
    CHECK(corpus.longest == 2);
  }
}

TEST_CASE("the columns of words and tags are counted from 0") {
  Tagged files("1\tthe\tDT\tO\n2\tcat\tNN\tB-x\n");
  files.data.token_column = 1, files.data.tag_column = 2;
  const Corpus corpus = files.load();
  CHECK(shown(corpus, *corpus.train, 0) == "the/DT cat/NN");
  files.data.tag_column = 4;
  CHECK_THAT(data_error(files),
             Contains("train.txt:1: there is no column 4, which data.columns.tag names") && Contains("0 to 3"));
  files.data.token_column = 7, files.data.tag_column = -1;
  CHECK_THAT(data_error(files), Contains("train.txt:1: there is no column 7, which data.columns.token names"));
}

TEST_CASE("a word that is # is a word among columns of spaces") {
  const Corpus corpus = Tagged("# O\n1 B-n\n").load();
  CHECK(shown(corpus, *corpus.train, 0) == "#/O 1/B-n");
}

TEST_CASE("a cell between tabs may hold spaces, and stays one word") {
  Tagged files("New York\tB-x\nis\tO\n");
  const Corpus corpus = files.load();
  CHECK(shown(corpus, *corpus.train, 0) == "New/B-x York is/O");
}

TEST_CASE("the first piece of a word has its tag, also behind spaces that are tokens") {
  Tagged files("St. B-x\nI'll I-x\n(a) O\n");
  Corpus corpus = files.load();
  CHECK(shown(corpus, *corpus.train, 0) == "St/B-x . I'll/I-x (/O a )");
  files.tokenizer.kind = TokenizerKind::kCharacter;
  corpus = files.load();
  CHECK(shown(corpus, *corpus.train, 0) == "S/B-x t .   I/I-x ' l l   (/O a )");
}

TEST_CASE("tokens of columns are those of their line") {
  for (const TokenizerKind kind : {TokenizerKind::kCharacter, TokenizerKind::kByte, TokenizerKind::kWord}) {
    Tagged files("Ünder O\nU.S. B-x\n$3,000 O\n");
    files.tokenizer.kind = kind;
    const Corpus corpus = files.load();
    Example e;
    corpus.train->read(0, e);
    std::vector<Piece> pieces;
    corpus.tokenizer->encode("Ünder U.S. $3,000", pieces);
    CHECK(e.pieces == pieces);
  }
}

TEST_CASE("max_length cuts pieces; the tags of words that it cut off are kept, to count as wrong") {
  Tagged files("a O\nb.c. B-x\nd I-x\ne O\n\nf O\n");
  files.data.max_length = 3;
  const Corpus corpus = files.load();
  CHECK(shown(corpus, *corpus.train, 0) == "a/O b.c./B-x d/I-x");
  CHECK(corpus.train->cut_tags(0) == Ids{2});
  CHECK(corpus.train->cut_tags(1).empty());
  CHECK(corpus.cut.sequences_cut == 1);
  CHECK(corpus.cut.tokens_cut == 1);
  files.tokenizer.kind = TokenizerKind::kCharacter;  // a, space, b
  const Corpus letters = files.load();
  CHECK(shown(letters, *letters.train, 0) == "a/O   b/B-x");
  CHECK(letters.train->cut_tags(0) == Ids{1, 2});
}

TEST_CASE("parallel files: a line of words, a line of tags, and a label") {
  Tagged files("the cat ran\n\nsit !\n", "O B-x  O\n \nO O\n", " say so \n\norder\n");
  files.target = {TargetKind::kLabel, 0, false};
  const Corpus corpus = files.load();
  REQUIRE(corpus.train->size() == 2);
  CHECK(shown(corpus, *corpus.train, 0) == "the/O cat/B-x ran/O");
  CHECK(shown(corpus, *corpus.train, 1) == "sit/O !/O");
  CHECK(corpus.labels == std::vector<std::string>{"order", "say so"});
  Example e;
  corpus.train->read(0, e);
  CHECK(e.label == 1);
  corpus.train->read(1, e);
  CHECK(e.label == 0);
}

TEST_CASE("parallel files may end with or without a line break, in CRLF and behind byte order marks") {
  const Corpus corpus = Tagged(
                            "\xEF\xBB\xBF"
                            "a b\r\nc\r\n",
                            "\xEF\xBB\xBF"
                            "X Y\nX")
                            .load();
  CHECK(shown(corpus, *corpus.train, 0) == "a/X b/Y");
  CHECK(shown(corpus, *corpus.train, 1) == "c/X");
}

TEST_CASE("parallel files that do not fit are refused with file and line") {
  CHECK_THAT(data_error(Tagged("a b\nc d e\n", "O O\nO O\n")),
             Contains("train.tags:2: 2 tags for the 3 words of ") && Contains("train.txt:2"));
  CHECK_THAT(data_error(Tagged("a\nb\n", "O\n")), Contains("train.tags:2: 0 tags for the 1 word of "));
  CHECK_THAT(data_error(Tagged("a\n", "O\nO B-x\n")), Contains("train.tags:2: 2 tags for the 0 words of "));
  CHECK_THAT(data_error(Tagged("a\nb\n", "O\nO\n", "x\n\n")), Contains("train.labels:2: no label for the words of "));
  CHECK_THAT(data_error(Tagged("a\nb\n", "O\nO\n", "x\n")), Contains("train.labels:2: no label for the words of "));
  CHECK_THAT(data_error(Tagged("a\n\n", "O\n\n", "x\ny\n")), Contains("train.labels:2: a label, but there are no words in "));
  CHECK_THAT(data_error(Tagged("\n", "\n")), Contains("train.txt: no text"));
  Tagged files("a\n", "O\n");
  std::filesystem::create_directory(files.folder / "many");
  files.write("many/1", "O\n"), files.write("many/2", "O\n");
  files.data.train_beside.tags = files.folder / "many";
  CHECK_THAT(data_error(files), Contains("data.train.tags: 2 files beside 1 of tokens"));
}

TEST_CASE("columns that do not fit are refused with file and line") {
  CHECK_THAT(data_error(Tagged("a X O\nb O\n")), Contains("train.txt:2: 2 columns, but line 1 has 3"));
  CHECK_THAT(data_error(Tagged("a\tX\nb\n")), Contains("train.txt:2: 1 column, but line 1 has 2"));
  CHECK_THAT(data_error(Tagged("\n\na\tX\n\tX\n")), Contains("train.txt:4: column 0 is empty"));
  CHECK_THAT(data_error(Tagged("a\tX\nb\t \n")), Contains("train.txt:2: column 1 is empty"));
  CHECK_THAT(data_error(Tagged("a\nb\n")), Contains("train.txt:1: \"a\" has only one column"));
  CHECK_THAT(data_error(Tagged("\n \n")), Contains("train.txt: no text"));
  CHECK_THAT(data_error(Tagged("-DOCSTART- O\n\n")), Contains("train.txt: no text"));
  CHECK_THAT(data_error(Tagged("a O\nb\xFF O\n")), Contains("train.txt:2: byte 0xFF"));
  CHECK_THAT(data_error(Tagged(std::string_view("a\0 \0O\0\n\0", 8))), Contains("looks like UTF-16"));
  Tagged empty("");
  empty.data.train = empty.write("train.txt", "");
  CHECK_THAT(data_error(empty), Contains("train.txt: no text"));
}

TEST_CASE("tags that only other splits have are counted, numbered and kept by name") {
  Tagged files("a O\nb B-x\n");
  files.data.validation.path = files.write("dev.txt", "a B-z\nb I-z\n\nb B-x\n");
  files.data.test.path = files.write("test.txt", "a B-y\nc B-z\n");
  const Corpus corpus = files.load();
  CHECK(corpus.tags == std::vector<std::string>{"B-x", "O"});
  CHECK(corpus.unknown_tags == std::vector<std::string>{"B-y", "B-z", "I-z"});
  CHECK(corpus.cut.unknown_tags == 4);
  CHECK(shown(corpus, *corpus.validation, 0) == "a/?B-z b/?I-z");
  CHECK(shown(corpus, *corpus.validation, 1) == "b/B-x");
  CHECK(shown(corpus, *corpus.test, 0) == "a/?B-y [UNK]/?B-z");
}

TEST_CASE("a share for validation is drawn before tags and words are learned") {
  std::string text;
  for (int i = 0; i < 40; ++i) text += "w" + std::to_string(i) + " T" + std::to_string(i) + "\n\n";
  Tagged files(text);
  files.data.validation.share = 0.25;
  const Corpus corpus = files.load();
  CHECK(corpus.train->size() == 30);
  CHECK(corpus.validation->size() == 10);
  CHECK(corpus.tags.size() == 30);
  CHECK(corpus.unknown_tags.size() == 10);
  CHECK(corpus.cut.unknown_tags == 10);
  CHECK(corpus.tokenizer->size() == 30 + Tokenizer::kSpecialCount);
}

TEST_CASE("an I- tag behind neither B- nor I- of its type is counted, with the place of the first") {
  CHECK(Tagged("a B-x\nb I-x\nc I-x\n").load().cut.loose_tags == 0);
  Tagged files("a B-x\nb I-x\nc O\nd I-x\n\ne I-x\nf I-y\n");
  const CutReport cut = files.load().cut;
  CHECK(cut.loose_tags == 3);
  CHECK_THAT(cut.first_loose_tag, Catch::Matchers::EndsWith("train.txt:4"));
}

TEST_CASE("an earlier run's tags and labels keep their numbers") {
  Tagged files("a b\n", "O B-x\n", "yes\n");
  Learned learned;
  learned.tags = {"A", "B-x", "C"}, learned.labels = {"no", "yes"};
  const Corpus corpus = load_corpus(files.data, files.tokenizer, {files.target}, 1, std::move(learned));
  CHECK(shown(corpus, *corpus.train, 0) == "a/?O b/B-x");
  Example e;
  corpus.train->read(0, e);
  CHECK(e.label == 1);
}

TEST_CASE("many files of columns are one after the other, each with its own separator") {
  Tagged files("");
  std::filesystem::create_directory(files.folder / "parts");
  files.write("parts/1.txt", "a O\n"), files.write("parts/2.txt", "b\tx\tB-x\n");
  files.data.train = files.folder / "parts/*.txt";
  const Corpus corpus = files.load();
  REQUIRE(corpus.train->size() == 2);
  CHECK(shown(corpus, *corpus.train, 0) == "a/O");
  CHECK(shown(corpus, *corpus.train, 1) == "b/B-x");
}
