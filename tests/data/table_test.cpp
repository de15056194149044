#include <cmath>

#include "data/compressed.h"
#include "data/files.h"
#include "data/pairs.h"
#include "support/error_of.h"

using namespace vitrine;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Strings = std::vector<std::string>;

namespace {

struct Table : Files {
  explicit Table(std::string_view train, const std::string& name = "t.csv", TargetKind kind = TargetKind::kLabel)
      : Files(DataKind::kTable) {
    data.train = write(name, train);
    data.text = {"text"};
    data.label = "label";
    target = {kind, 0.15, false};
  }
  // Of the error, without the folder.
  std::string error() const {
    std::string message = error_of(ErrorKind::kData, [&] { load(); });
    for (size_t at; (at = message.find(folder.path() + "/")) != message.npos;) message.erase(at, folder.path().size() + 1);
    return message;
  }
};

std::vector<Example> read_all(const Dataset& split) {
  std::vector<Example> out(static_cast<size_t>(split.size()));
  for (int64_t i = 0; i < split.size(); ++i) split.read(i, out[static_cast<size_t>(i)]);
  return out;
}

Strings names_of(const Corpus& corpus, const Dataset& split) {
  Strings out;
  for (const Example& e : read_all(split)) out.push_back(e.label < 0 ? "?" : corpus.labels[static_cast<size_t>(e.label)]);
  return out;
}

// Three rows in each of the formats.
const char* const kCsv = "id,label,text\n1, good ,\"so, so\"\n2,bad,\"two\nlines \"\"here\"\"\"\n\n3,good,one\n";
const char* const kTsv = "id\tlabel\ttext\r\n1\t good \tso, so\r\n2\tbad\ttwo lines \"here\"\r\n3\tgood\tone\r\n";
const char* const kJsonl =
    "{\"text\": \"so, so\", \"label\": \"good\", \"other\": [1, {\"label\": 5}]}\n\n{\"label\": \"bad\", \"text\": \"two\\nlines "
    "\\\"here\\\"\"}\r\n{\"text\": \"one\", \"label\": \" good\"}";

}  // namespace

TEST_CASE("a table has the same sequences and labels in every format") {
  for (const auto& [name, text] : {std::pair{"t.csv", kCsv}, {"t.tsv", kTsv}, {"t.jsonl", kJsonl}, {"t.ndjson", kJsonl}}) {
    CAPTURE(name);
    const Corpus corpus = Table(text, name).load();
    CHECK(texts_of(corpus, *corpus.train) == Strings{"so , so", "two lines \" here \"", "one"});
    CHECK(corpus.labels == Strings{"bad", "good"});
    CHECK(names_of(corpus, *corpus.train) == Strings{"good", "bad", "good"});
    CHECK(corpus.train->length(1) == 5);
    CHECK(corpus.longest == 5);
  }
}

TEST_CASE("a quote in a tsv is a character like any other") {
  const Corpus corpus = Table("label\ttext\ny\t\"c\nx\t\"a\" b\n", "quotes.tsv").load();
  CHECK(texts_of(corpus, *corpus.train) == Strings{"\" c", "\" a \" b"});
}

TEST_CASE("the format of a table is that of its name, or the one that is asked for") {
  Table table(kTsv, "t.txt");
  CHECK_THAT(table.error(),
             Contains("t.txt: its name does not say whether this is csv, tsv or jsonl\nhelp: data.format says it"));
  table.data.format = TableFormat::kTsv;
  CHECK(table.load().train->size() == 3);
  table.data.train = table.write("t.tsv.gz", gzip(kTsv));
  table.data.format = TableFormat::kAuto;
  CHECK(table.load().train->size() == 3);
  table.data.train = table.write("semicolons.csv", "text;label\na, b;x\nc;y\n");
  table.data.delimiter = ';';
  CHECK(table.load().labels == Strings{"x", "y"});
}

TEST_CASE("a table without a header numbers its columns from 0") {
  Table table("good,one\nbad,two\n");
  table.data.header = false;
  table.data.text = {"1"}, table.data.label = "0";
  const Corpus corpus = table.load();
  CHECK(texts_of(corpus, *corpus.train) == Strings{"one", "two"});
  CHECK(names_of(corpus, *corpus.train) == Strings{"good", "bad"});
  table.data.label = "2";
  CHECK_THAT(table.error(), Contains("t.csv:1: there is no column `2`; there is `0`, `1`"));
}

TEST_CASE("several files of a table may have their columns in another order, and splits are drawn from all") {
  Table table("text,label\na,x\nb,y\n", "a.csv");
  table.write("b.csv", "label,text\nx,c\ny,d\nx,e\ny,f\nx,g\ny,h\n");
  table.data.validation.share = 0.25;
  table.data.test.path = table.write("test.tsv", "text\tlabel\na\tx\nb\tz\n");
  table.data.train = table.folder / "*.csv";
  const Corpus corpus = table.load();
  CHECK(corpus.train->size() == 6);
  CHECK(corpus.validation->size() == 2);
  CHECK(names_of(corpus, *corpus.test) == Strings{"x", "?"});
  CHECK(corpus.cut.unknown_labels == 1);
}

TEST_CASE("several labels of a row, by a separator or as a list of JSON") {
  const std::vector<std::pair<std::string, std::string>> tables = {
      {"t.csv", "text,label\na,\"x; y\"\nb,\nc,z;x;z\n"},
      {"t.jsonl",
       "{\"text\":\"a\",\"label\":[\"y\",\"x\"]}\n{\"text\":\"b\",\"label\":[]}\n{\"text\":\"c\",\"label\":[\"z\",\"x\"]}"}};
  for (const auto& [name, text] : tables) {
    Table table(text, name, TargetKind::kLabels);
    if (name == "t.csv") {
      CHECK_THAT(table.error(), Contains("t.csv:2: `label` is a text, and multi_label_classification needs lists\nhelp: "));
      table.data.label_separator = ";";
    }
    table.data.test.path =
        table.write("test.jsonl", "{\"text\":\"a\",\"label\":[\"q\",\"z\",7]}\n{\"text\":\"b\",\"label\":null}\n");
    const Corpus corpus = table.load();
    CHECK(corpus.labels == Strings{"x", "y", "z"});
    const std::vector<Example> train = read_all(*corpus.train), test = read_all(*corpus.test);
    CHECK(train[0].labels == std::vector<int32_t>{0, 1});
    CHECK(train[1].labels.empty());
    CHECK(train[2].labels == std::vector<int32_t>{0, 2});
    CHECK(test[0].labels == std::vector<int32_t>{-1, -1, 2});
    CHECK(test[1].labels.empty());
    CHECK(corpus.cut.unknown_labels == 2);
  }
  Table table("text,label\na,x;;y\n", "t.csv", TargetKind::kLabels);
  table.data.label_separator = ";";
  CHECK_THAT(table.error(), Contains("t.csv:2: `label` has an empty label in its list"));
}

TEST_CASE("numbers of a table are finite, and scaled by those of the training split") {
  const Corpus corpus = Table("text,label\na,1.5\nb, -2e1 \nc,+3\n", "t.csv", TargetKind::kValue).load();
  const std::vector<Example> train = read_all(*corpus.train);
  CHECK(train[0].value == 1.5);
  CHECK(train[1].value == -20);
  CHECK(train[2].value == 3);
  CHECK(corpus.scale->mean == Approx(-15.5 / 3));
  for (const char* wrong : {"nan", "NaN", "inf", "-Infinity", "1e999", "1,5", "0x1p3", "1.5 m", "++1", "-"}) {
    const std::string error = Table(std::string("text,label\na,1\nb,\"") + wrong + "\"\n", "t.csv", TargetKind::kValue).error();
    CHECK(error == std::string("t.csv:3: `label` is \"") + wrong + "\"; expected a finite number, such as 0.5");
  }
  CHECK_THAT(Table("text,label\na,\n", "t.csv", TargetKind::kValue).error(),
             Contains("t.csv:2: `label` is empty; every row needs a number"));
  CHECK_THAT(Table("{\"text\": \"a\", \"label\": NaN}", "t.jsonl", TargetKind::kValue).error(),
             Contains("t.jsonl:1: this line is not JSON from byte"));
  CHECK_THAT(Table("{\"text\": \"a\", \"label\": null}", "t.jsonl", TargetKind::kValue).error(),
             Contains("every row needs a number"));
  CHECK(read_all(*Table("{\"text\": \"a\", \"label\": 0.1}", "t.jsonl", TargetKind::kValue).load().train)[0].value == 0.1);
}

TEST_CASE("what is wrong with a table is said with file and line") {
  const auto error = [](std::string_view text, const std::string& name = "t.csv") { return Table(text, name).error(); };
  CHECK_THAT(error("text,label\na,b\nc,d,e\n"), Contains("t.csv:3: this row has 3 fields, and the first row 2\nhelp: "));
  CHECK_THAT(error("text,label\n\"a\nb\",c\nd\n"), Contains("t.csv:4: this row has 1 fields"));
  CHECK_THAT(error("texts,Label\na,b\n"),
             Contains("t.csv:1: there is no column `text`; there is `texts`, `Label`\nhelp: did you mean `texts`?"));
  CHECK_THAT(error("text,Label\na,b\n"), EndsWith("did you mean `Label`?"));
  CHECK_THAT(error("text;label\na;b\n"), Contains("there is `text;label`"));
  CHECK_THAT(error("text,label,x,label\na,b,c,d\n"), Contains("t.csv:1: column `label` stands twice, as field 2 and as field 4"));
  CHECK(Table("text,label,x,x\na,b,c,d\ne,f,g,h\n").load().train->size() == 2);
  CHECK_THAT(error("text,label\na,b\nc, \n"), Contains("t.csv:3: `label` is empty; every row needs a label"));
  CHECK_THAT(error("text,label\na,b\nc,b\n"),
             Contains("every row of the training split has the label \"b\"; a classifier needs at least two"));
  CHECK_THAT(error(""), Contains("no text"));
  CHECK_THAT(error("text,label\n"), Contains("there is no row with a text"));
  CHECK_THAT(error("text,label\n,b\n"), Contains("there is no row with a text"));
  CHECK_THAT(error(std::string("t\0e\0x\0t\0", 8)), Contains("UTF-16"));
  CHECK_THAT(error("\xFF\xFEt\0"), Contains("UTF-16"));
  CHECK_THAT(error("text,label\na,\xE9\n"), Contains("t.csv:2: byte 0xE9"));
  CHECK_THAT(Table(gzip(kCsv).substr(0, 40), "t.csv.gz").error(), Contains("t.csv.gz: this gzip file ends too early"));

  const auto json = [&](std::string_view text) { return error(text, "t.jsonl"); };
  CHECK_THAT(json("{\"text\": \"a\", \"label\": \"b\"}\n{\"text\": \"a\", \"lable\": \"b\"}\n"),
             Contains("t.jsonl:2: there is no column `label`; there is `lable`, `text`\nhelp: did you mean `lable`?"));
  CHECK_THAT(json("\n{\"text\": \"a\",\n\"label\": \"b\"}"), Contains("t.jsonl:2: this line is not JSON from byte 13 on"));
  CHECK_THAT(json("{\"text\": 1e999}"), Contains("t.jsonl:1: a number of this line is too large for a double"));
  CHECK_THAT(json("[1]"), Contains("t.jsonl:1: this line is JSON, but no object such as {\"text\": …}"));
  CHECK_THAT(json("{\"text\": \"a\", \"text\": \"b\", \"label\": \"c\"}"), Contains("t.jsonl:1: `text` stands twice"));
  CHECK_THAT(json("{\"text\": [\"a\"], \"label\": \"c\"}"), Contains("t.jsonl:1: `text` is a list; expected a text"));
  CHECK_THAT(json("{\"text\": {\"a\": 1}, \"label\": \"c\"}"), Contains("`text` holds an object"));
  CHECK_THAT(json("{\"text\": \"a\", \"label\": [\"c\"]}"), Contains("t.jsonl:1: `label` is a list of labels"));
  CHECK_THAT(json("{\"text\": \"a\", \"label\": null}"), Contains("`label` is empty"));
}

TEST_CASE("rows without a text are left out and counted") {
  const Corpus corpus = Table("text,label\na,x\n,y\n\"\n\",z\nb,y\n").load();
  CHECK(texts_of(corpus, *corpus.train) == Strings{"a", "b"});
  CHECK(corpus.labels == Strings{"x", "y"});
  CHECK(corpus.cut.rows_without_text == 2);
  CHECK_THAT(corpus.cut.first_without_text, EndsWith("t.csv:3"));
  CHECK(Table("{\"text\":null,\"label\":\"x\"}\n{\"text\":7,\"label\":true}\n{\"text\":\"b\",\"label\":0}", "t.jsonl")
            .load()
            .labels == Strings{"0", "true"});
}

TEST_CASE("the longer text of a pair is cut first, of two that are as long the second") {
  // As BERT does it: one token at a time.
  for (int64_t a = 1; a < 9; ++a)
    for (int64_t b = 1; b < 9; ++b)
      for (int64_t room = 2; room < 18; ++room) {
        int64_t x = a, y = b;
        while (x + y > room) (x > y ? x : y) -= 1;
        REQUIRE(cut_pair(a, b, room) == std::pair{x, y});
      }
}

TEST_CASE("a pair is one sequence with [SEP] behind each text and types 0 and 1") {
  Table table("a,b,label\nx y,z,p\nx x x x,z z z z,q\n,z,p\nx,,p\n");
  table.data.text = {"a", "b"};
  table.data.max_length = 7;
  const Corpus corpus = table.load();
  CHECK(texts_of(corpus, *corpus.train) == Strings{"x y [SEP] z [SEP]", "x x x [SEP] z z [SEP]"});
  CHECK(corpus.cut.rows_without_text == 2);
  CHECK(corpus.cut.sequences_cut == 1);
  CHECK(corpus.cut.tokens_cut == 3);
  const std::vector<Example> train = read_all(*corpus.train);
  CHECK(train[0].types == std::vector<int32_t>{0, 0, 0, 1, 1});
  CHECK(train[1].types == std::vector<int32_t>{0, 0, 0, 0, 1, 1, 1});
  CHECK(corpus.train->length(1) == 7);
  // Offsets are those of "x y\tz".
  const std::vector<Piece>& pieces = train[0].pieces;
  CHECK(pieces[1] == Piece{train[0].tokens[1], 2, 3});
  CHECK(pieces[2] == Piece{Tokenizer::kSep, 3, 4});
  CHECK(pieces[3] == Piece{train[0].tokens[3], 4, 5});
  CHECK(pieces[4] == Piece{Tokenizer::kSep, 5, 5});
  table.target.prepend_cls = true;
  CHECK(texts_of(table.load(), *table.load().train)[1] == "x x [SEP] z z [SEP]");
  table.data.max_length = 4;
  CHECK_THAT(error_of(ErrorKind::kConfig, [&] { table.load(); }), Contains("data.max_length: 4 leaves no room"));
}
