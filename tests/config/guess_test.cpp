#include "config/guess.h"

#include "config/config_files.h"
#include "data/compressed.h"
#include "support/error_of.h"

using namespace vitrine;
using Catch::Matchers::Contains;

namespace {

// What is guessed of `rows` lines, line i being f(i), behind `head`.
template <class F>
std::string guess(const std::string& name, const std::string& head, int rows, F f) {
  std::string text = head;
  for (int i = 0; i < rows; ++i) text += f(i) + "\n";
  write(name, text);
  return write_config_for(name);
}

Config read(const std::string& yaml) { return parse_config(yaml, "t").config; }

std::string words(int i, int n) {
  std::string out = "w" + std::to_string(i % 37);
  for (int k = 1; k < n; ++k) out += " v" + std::to_string((i * 7 + k * k) % 53);
  return out;
}
std::string number(int i) { return std::to_string(i); }
const char* colour(int i) { return i % 3 == 0 ? "red" : i % 3 == 1 ? "green" : "blue"; }

}  // namespace

TEST_CASE("a table is guessed: text, label, separators, and the reasons stand beside") {
  const WorkingFolder folder;
  const std::string yaml = guess("shop.csv", "id,colour,review,price\n", 600, [](int i) {
    return number(i) + "," + colour(i) + ",\"" + words(i, 12) + ", so\"," + number(i * 3) + ".5";
  });
  const Config c = read(yaml);
  CHECK(c.data.kind == DataKind::kTable);
  CHECK(c.data.train == "shop.csv");
  CHECK(c.data.text == std::vector<std::string>{"review"});
  CHECK(c.data.label == "colour");
  CHECK(c.data.header);
  CHECK(c.data.max_length == 16);
  CHECK(c.data.validation.share == 0.1);
  CHECK(c.data.test.share == 0.1);
  CHECK(c.objectives[0].kind == ObjectiveKind::kSequenceClassification);
  CHECK(c.evaluation.metric == "accuracy");
  CHECK(c.run.name == "shop");
  CHECK_THAT(yaml, Contains("# colour has 3 different values\n"));
  CHECK_THAT(yaml, Contains("# 99 of 100 texts have at most 14 words\n"));
  CHECK_THAT(yaml, Contains("# Guessed from shop.csv. "));

  const Config german =
      read(guess("preise.csv", "text;note\n", 300, [](int i) { return words(i, 5) + ", und so;" + number(i % 5); }));
  CHECK(german.data.delimiter == ';');
  CHECK(german.data.label == "note");
  CHECK(german.data.test.share == 0);
  CHECK(german.model.width == 64);
}

TEST_CASE("a first row that is like the others is no header") {
  const WorkingFolder folder;
  const Config c =
      read(guess("news.csv", "", 300, [](int i) { return "\"" + number(i % 4 + 1) + "\",\"" + words(i, 9) + "\""; }));
  CHECK_FALSE(c.data.header);
  CHECK(c.data.text == std::vector<std::string>{"1"});
  CHECK(c.data.label == "0");
  const Config words_only = read(guess("w.tsv", "", 300, [](int i) { return std::string(colour(i)) + "\t" + words(i, 9); }));
  CHECK_FALSE(words_only.data.header);
  CHECK(words_only.data.format == TableFormat::kTsv);
}

TEST_CASE("numbers, several labels, pairs and texts without labels are told apart") {
  const WorkingFolder folder;
  const auto with_label = [](const std::string& name, const std::string& head, auto label) {
    return read(guess(name, head, 400, [&](int i) { return words(i, 8) + "," + label(i); }));
  };
  const Config numbers = with_label("n.csv", "text,score\n", [](int i) { return number(i % 90) + ".25"; });
  CHECK(numbers.objectives[0].kind == ObjectiveKind::kRegression);
  CHECK(numbers.evaluation.metric == "pearson");
  const Config several = with_label("s.csv", "text,label\n", [](int i) {
    return std::string(colour(i)) + (i % 2 ? ";" + std::string(colour(i + 1)) : "") + (i % 5 ? "" : ";big") +
           (i % 7 ? "" : ";old");
  });
  CHECK(several.objectives[0].kind == ObjectiveKind::kMultiLabelClassification);
  CHECK(several.data.label_separator == ";");
  const Config lists = read(guess("l.jsonl", "", 100, [](int i) {
    return "{\"body\": \"" + words(i, 6) + "\", \"tags\": [\"" + colour(i) + "\"], \"id\": " + number(i) + "}";
  }));
  CHECK(lists.data.format == TableFormat::kJsonl);
  CHECK(lists.data.text == std::vector<std::string>{"body"});
  CHECK(lists.data.label == "tags");
  CHECK(lists.objectives[0].kind == ObjectiveKind::kMultiLabelClassification);
  const Config pairs = read(guess("p.tsv", "premise\thypothesis\tlabel\n", 100,
                                  [](int i) { return words(i, 9) + "\t" + words(i + 3, 6) + "\t" + number(i % 2); }));
  CHECK(pairs.data.text == std::vector<std::string>{"premise", "hypothesis"});
  CHECK(pairs.model.token_types == 2);
  CHECK(pairs.data.max_length == 24);
  const Config none = read(guess("t.csv", "id,text\n", 300, [](int i) { return number(i) + "," + words(i, 8); }));
  CHECK(none.data.label.empty());
  CHECK(none.objectives[0].kind == ObjectiveKind::kMaskedLm);
}

TEST_CASE("lines with a label, lines, and a text are told apart") {
  const WorkingFolder folder;
  const Config labelled = read(guess("q.txt", "", 300, [](int i) { return std::string(colour(i)) + " " + words(i, 7); }));
  CHECK(labelled.data.kind == DataKind::kLabelledLines);
  CHECK(labelled.objectives[0].kind == ObjectiveKind::kSequenceClassification);
  const Config lines = read(guess("l.txt", "", 300, [](int i) { return words(i, 7) + "."; }));
  CHECK(lines.data.kind == DataKind::kLines);
  CHECK(lines.objectives[0].kind == ObjectiveKind::kMaskedLm);
  const Config text = read(guess("t.txt", "", 300, [](int i) { return i % 9 == 8 ? "" : words(i, 7); }));
  CHECK(text.data.kind == DataKind::kText);
  CHECK(text.objectives[0].kind == ObjectiveKind::kCausalLm);
  CHECK(text.tokenizer.kind == TokenizerKind::kCharacter);
}

TEST_CASE("texts of one word are read by their characters") {
  const WorkingFolder folder;
  const Config c = read(guess("names.tsv", "name\tland\n", 300, [](int i) {
    return std::string(1, static_cast<char>('a' + i % 26)) + "nn" + number(i) + "\t" + colour(i);
  }));
  CHECK(c.data.text == std::vector<std::string>{"name"});
  CHECK(c.tokenizer.kind == TokenizerKind::kCharacter);
  CHECK(c.tokenizer.lowercase);
  CHECK(c.data.max_length == 8);
}

TEST_CASE("words with tags, and tokens with their own truth, are seen") {
  const WorkingFolder folder;
  const Config tagged = read(guess("t.conll", "-DOCSTART- -X- O\n\n", 200, [](int i) {
    return i % 5 == 4 ? "" : words(i, 1) + " NN " + (i % 5 == 0 ? "B-x" : i % 5 == 1 ? "I-x" : "O");
  }));
  CHECK(tagged.data.kind == DataKind::kTagged);
  CHECK(tagged.objectives[0].kind == ObjectiveKind::kTokenClassification);
  CHECK(tagged.evaluation.metric == "f1");
  CHECK(tagged.data.max_length == 8);
  CHECK_FALSE(tagged.tokenizer.lowercase);
  const Config parts = read(guess("t.txt", "", 600, [](int i) { return i % 6 == 5 ? "" : words(i, 1) + "\t" + colour(i); }));
  CHECK(parts.data.kind == DataKind::kTagged);
  CHECK(parts.evaluation.metric == "accuracy");
  const Config truth = read(guess(
      "t.jsonl", "", 60, [](int i) { return "{\"tokens\": [\"a\", \"" + words(i, 1) + "\"], \"targets\": [null, \"x\"]}"; }));
  CHECK(truth.data.kind == DataKind::kJsonl);
  CHECK(truth.objectives[0].kind == ObjectiveKind::kTokenClassification);
  const Config classes =
      read(guess("c.jsonl", "", 60, [](int i) { return "{\"tokens\": [\"a\"], \"label\": \"" + number(i % 2) + "\"}"; }));
  CHECK(classes.objectives[0].kind == ObjectiveKind::kSequenceClassification);
}

TEST_CASE("splits beside a file, its encoding and its compression are seen") {
  const WorkingFolder folder;
  const auto row = [](int i) { return std::string(colour(i)) + " caf\xE9 " + words(i, 7); };
  write("d/my_test.txt", "red x\n"), write("d/my_dev.txt", "red x\n");
  const Config c = read(guess("d/my_train.txt", "", 600, row));
  CHECK(c.data.encoding == Encoding::kLatin1);
  CHECK(c.data.test.path == "d/my_test.txt");
  CHECK(c.data.validation.path == "d/my_dev.txt");
  std::string text = "text,label\n";
  for (int i = 0; i < 300; ++i) text += words(i, 7) + "," + colour(i) + "\n";
  write("t.csv.gz", gzip(text));
  CHECK(read(write_config_for("t.csv.gz")).data.kind == DataKind::kTable);
}

TEST_CASE("of one frequent class the mean over classes decides") {
  const WorkingFolder folder;
  const Config c = read(guess("spam.csv", "text,label\n", 300, [](int i) { return words(i, 7) + (i % 10 ? ",ham" : ",spam"); }));
  CHECK(c.evaluation.metric == "f1");
}

TEST_CASE("what cannot be looked at is refused in one sentence") {
  const WorkingFolder folder;
  const auto error = [](const std::string& name, const std::string& text) {
    write(name, text);
    return error_of(ErrorKind::kData, [&] { write_config_for(name); });
  };
  CHECK_THAT(error("empty.txt", ""), Contains("empty.txt: no text"));
  CHECK_THAT(error("utf16.txt",
                   "\xFF\xFE"
                   "a\nb\n"),
             Contains("UTF-16"));
  CHECK_THAT(error("nul.txt", std::string("a\0b\n", 4)), Contains("NUL byte"));
  CHECK_THAT(error("numbers.csv", "a,b\n1,2\n3,4\n"), Contains("numbers.csv: no column holds texts; there is `a`, `b`"));
  CHECK_THAT(error("ragged.csv", "a,b\nx y,2\nx,y,z\n"), Contains("ragged.csv:3: this row has 3 fields, and the first row 2"));
  CHECK_THAT(error("broken.jsonl", "{\"text\": \"a\"}\n{\"text\": \n"),
             Contains("broken.jsonl:2: this line is not a JSON object"));
  CHECK_THAT(error_of(ErrorKind::kData, [] { write_config_for("nothing.csv"); }), Contains("nothing.csv"));
}
