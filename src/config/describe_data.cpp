#include "config/describe.h"
#include "data/settings.h"

namespace vitrine {
namespace {

using Form = TextValue::Form;

// Data that are drawn, not read.
void describe_task(Key& s, DataSettings& o) {
  const std::vector<std::string> drawn = {"task", "random"}, task = {"task"};
  s.choice("task", o.task,
           {{"copy", TaskKind::kCopy},
            {"reverse", TaskKind::kReverse},
            {"sort", TaskKind::kSort},
            {"first_occurrence", TaskKind::kFirstOccurrence},
            {"recall", TaskKind::kRecall},
            {"induction", TaskKind::kInduction},
            {"brackets", TaskKind::kBrackets},
            {"majority", TaskKind::kMajority}},
           "What is asked of sequences of random symbols; the answers, and what each is taken from, are known")
      .when("data.kind", task)
      .required();
  s.integer("vocabulary_size", o.vocabulary_size, between(2, 1e7),
            "Task: different symbols, keys and values or kinds of brackets. Random: tokens, the four special ones included")
      .when("data.kind", drawn)
      .required();
  s.integer("length", o.length, between(1, 1 << 20), "Task: symbols or pairs of the longest sequences. Random: tokens of each")
      .when("data.kind", drawn)
      .required();
  s.integer("min_length", o.min_length, between(1, 1 << 20),
            "Symbols or pairs of the shortest sequences; every length up to data.length is as likely")
      .optional()
      .defaults_to("data.length")
      .when("data.kind", task);
  s.integer("distractors", o.distractors, between(0, 1 << 16), "Words without meaning at random places of each sequence")
      .when("data.kind", task);
  s.integer("queries", o.queries, between(1, 1 << 20), "Keys that are asked for at the end of each sequence")
      .when("data.kind", task)
      .when("data.task", {"recall"});
}

void describe_table(Key& s, DataSettings& o) {
  const std::vector<std::string> table = {"table"};
  s.columns("text", o.text, "Column of the text, or a list of two columns: pairs of texts, read as [CLS] a [SEP] b [SEP]")
      .when("data.kind", table)
      .required();
  s.text("label", o.label, Form::kText, "Column of the label: a class, a number, or several labels, as the objective needs it")
      .optional()
      .defaults_to("none")
      .when("data.kind", table);
  s.text("label_separator", o.label_separator, Form::kText, "What stands between the labels of a row that has several")
      .optional()
      .defaults_to("none: they are lists of JSON")
      .when("data.kind", table);
  s.choice(
       "format", o.format,
       {{"auto", TableFormat::kAuto}, {"csv", TableFormat::kCsv}, {"tsv", TableFormat::kTsv}, {"jsonl", TableFormat::kJsonl}},
       "How rows are written: with separators and quotes, with tabs and no quotes, or a JSON object a line; auto: as the name of "
       "the file says")
      .when("data.kind", table);
  s.choice("delimiter", o.delimiter, {{"comma", ','}, {"semicolon", ';'}, {"tab", '\t'}, {"bar", '|'}},
           "What separates the fields of a csv")
      .when("data.kind", table)
      .when("data.format", {"auto", "csv"});
  s.boolean("header", o.header, "The first row names the columns; else they are called 0, 1, …")
      .when("data.kind", table)
      .when("data.format", {"auto", "csv", "tsv"});
}

}  // namespace

void describe_data(Key& s, DataSettings& o) {
  const std::vector<std::string> texts = {"text", "lines", "labelled_lines", "table", "tagged"},
                                 files = {"text", "lines", "labelled_lines", "table", "tagged", "jsonl"},
                                 generated = {"grammar", "task", "random"};
  s.choice("kind", o.kind,
           {{"text", DataKind::kText},
            {"lines", DataKind::kLines},
            {"labelled_lines", DataKind::kLabelledLines},
            {"table", DataKind::kTable},
            {"tagged", DataKind::kTagged},
            {"jsonl", DataKind::kJsonl},
            {"grammar", DataKind::kGrammar},
            {"task", DataKind::kTask},
            {"random", DataKind::kRandom}},
           "One stream of text, one sequence a line, a label before each line, a table with named columns, a tag for each "
           "word, tokens with their own truth, sentences of a grammar, a synthetic task, or random tokens")
      .required();
  s.integer("max_length", o.max_length, between(1, 1 << 20),
            "Tokens of a sequence; longer ones are cut, and it is said how many");
  s.files("train", o.train, o.train_beside,
          "Training file, a folder of files or a pattern such as parts/*.txt, relative to this file; tagged data also as "
          "parallel files "
          "{tokens: a, tags: b, labels: c}, of which labels may be left out")
      .when("data.kind", files)
      .required();
  s.split("validation", o.validation, "Validation file, or the share of the training file that is held out")
      .when("data.kind", files);
  s.split("test", o.test, "Test file, or a share of the training file").when("data.kind", files);
  describe_table(s, o);
  Key& columns = s.section("columns", "Where a line of a tagged file has its word and its tag, counted from 0")
                     .when("data.kind", {"tagged"});
  columns.integer("token", o.token_column, between(0, 1e6), "Column of the word")
      .optional()
      .defaults_to("0")
      .when("data.kind", {"tagged"});
  columns.integer("tag", o.tag_column, between(0, 1e6), "Column of its tag")
      .word("last", -1)
      .optional()
      .defaults_to("last")
      .when("data.kind", {"tagged"});
  s.choice("encoding", o.encoding, {{"utf-8", Encoding::kUtf8}, {"latin-1", Encoding::kLatin1}}, "Encoding of the files")
      .when("data.kind", texts);
  s.text("grammar", o.grammar, Form::kPath, "Grammar file, relative to this file").when("data.kind", {"grammar"}).required();
  s.integer("train_sentences", o.train_sentences, kCount, "Sequences generated for training").when("data.kind", generated);
  s.integer("validation_sentences", o.validation_sentences, between(0, 1e9),
            "Sequences generated for validation; 0: no such split")
      .when("data.kind", generated);
  s.integer("test_sentences", o.test_sentences, between(0, 1e9), "Sequences generated for the test; 0: no such split")
      .when("data.kind", generated);
  describe_task(s, o);
}

void describe_tokenizer(Key& s, TokenizerSettings& o) {
  const std::vector<std::string> whole = {"character", "word"}, pieces = {"byte_pair", "word_piece"}, bert = {"word_piece"};
  const std::vector<std::string> learned = {"character", "word", "byte_pair", "word_piece"},
                                 lowered = {"character", "word", "word_piece"},
                                 files = {"text", "lines", "labelled_lines", "table", "tagged"};
  s.choice("kind", o.kind,
           {{"character", TokenizerKind::kCharacter},
            {"byte", TokenizerKind::kByte},
            {"word", TokenizerKind::kWord},
            {"byte_pair", TokenizerKind::kBytePair},
            {"word_piece", TokenizerKind::kWordPiece}},
           "What a token is: a character, a byte, a word, or a frequent piece of a word: joined from bytes as in GPT-2, so that "
           "nothing is unknown, or from characters as in BERT");
  s.boolean("lowercase", o.lowercase, "Lower-case the text first").when("tokenizer.kind", lowered).when("data.kind", files);
  s.boolean("strip_accents", o.strip_accents, "Strip accents (é is e)")
      .defaults_to("tokenizer.lowercase, as in BERT")
      .when("tokenizer.kind", bert)
      .when("data.kind", files);
  s.boolean("nfc", o.nfc, "Compose characters first (Unicode NFC): e with an accent of its own is é")
      .when("tokenizer.kind", bert)
      .when("data.kind", files);
  s.integer("min_count", o.min_count, kCount, "Rarer tokens are [UNK]; rarer pairs of pieces are not joined")
      .when("tokenizer.kind", learned)
      .when("data.kind", files);
  s.integer("max_size", o.max_size, between(0, 1e9), "Tokens kept, the most frequent first; 0: all")
      .when("tokenizer.kind", whole)
      .when("data.kind", files);
  s.integer("vocabulary_size", o.vocabulary_size, between(5, 1e7),
            "Tokens to learn, the special ones included; byte_pair needs 260, the special ones and all bytes")
      .when("tokenizer.kind", pieces)
      .when("data.kind", files);
  s.text("file", o.file, Form::kPath,
         "A tokenizer to read instead of learning one: a tokenizer.json, of a run or of the tokenizers package, or BERT's "
         "vocab.txt; relative to this file")
      .when("tokenizer.kind", pieces)
      .when("data.kind", files);
}

}  // namespace vitrine
