#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vitrine {

// The sections `data:` and `tokenizer:` of a configuration. Paths are already relative to the working directory.
enum class DataKind { kText, kLines, kLabelledLines, kTable, kTagged, kJsonl, kTask, kGrammar, kRandom };
enum class TaskKind { kCopy, kReverse, kSort, kFirstOccurrence, kRecall, kInduction, kBrackets, kMajority };  // data/tasks/task.h
enum class TableFormat { kAuto, kCsv, kTsv, kJsonl };
enum class Encoding { kUtf8, kLatin1 };
enum class TokenizerKind { kCharacter, kByte, kWord, kBytePair, kWordPiece };

// Tags and labels of the words of another file: line i of each belongs to line i of it. Without tags: there are none, that file has columns.
struct FilesBeside {
  std::string tags, labels;
  bool operator==(const FilesBeside&) const = default;
};

// Where a split comes from: a file, or a share of the training file (the last, contiguous, of a text; random by seed otherwise).
struct SplitSource {
  std::string path;
  double share = 0;
  FilesBeside beside = {};
  bool given() const { return !path.empty() || share > 0; }
  bool operator==(const SplitSource&) const = default;
};

struct DataSettings {
  DataKind kind = DataKind::kLines;
  std::string train;
  FilesBeside train_beside;
  SplitSource validation, test;
  int64_t max_length = 128;  // tokens of a sequence; longer ones are cut, and it is said how many
  Encoding encoding = Encoding::kUtf8;
  // table
  std::vector<std::string> text;  // one column, or two: pairs of texts
  std::string label;              // its column; empty: none is wanted
  std::string label_separator;    // between labels, where a row has several; empty: JSON has lists
  TableFormat format = TableFormat::kAuto;
  char delimiter = ',';  // of csv
  bool header = true;    // the first row names the columns; else their names are 0, 1, …
  bool pairs() const { return kind == DataKind::kTable && text.size() == 2; }
  // tagged: the columns of a file that has all, from 0; −1: the last
  int64_t token_column = 0, tag_column = -1;
  // task, grammar and random
  int64_t train_sentences = 20000, validation_sentences = 2000, test_sentences = 2000;
  // grammar
  std::string grammar;  // the grammar file
  // task
  TaskKind task = TaskKind::kReverse;
  int64_t min_length = 0;   // of a sequence; 0: `length`
  int64_t distractors = 0;  // words without meaning in a sequence
  int64_t queries = 1;      // recall
  // task: different symbols, longest sequence in symbols or pairs; random: V, special tokens included, tokens of every sequence
  int64_t vocabulary_size = 0, length = 0;
  // random
  int64_t classes = 0, tags = 0;  // labels of sequences and tags of tokens, when they are asked for
  bool operator==(const DataSettings&) const = default;
};

int64_t longest_of_task(const DataSettings& data);  // in tokens
// What does not fit together in the settings of a task: "{key}: {message} {other}".
struct TaskMistake {
  std::string key, message, other;
};
std::optional<TaskMistake> task_mistake(const DataSettings& data);

struct TokenizerSettings {
  TokenizerKind kind = TokenizerKind::kWord;
  bool lowercase = false;
  int64_t min_count = 1;  // rarer tokens are not learned
  int64_t max_size = 0;   // words kept, the most frequent first; 0: all
  // byte_pair and word_piece: tokens, special ones included; fewer where no pair of pieces stands min_count times in the text
  int64_t vocabulary_size = 8000;
  bool strip_accents = false;  // word_piece: é is e
  bool nfc = false;            // word_piece: an e with an accent of its own is é
  std::string file = {};       // byte_pair and word_piece: a tokenizer to read instead of learning one
  bool operator==(const TokenizerSettings&) const = default;
};

// What a sequence is asked for; one for each objective, made from the `objective:` section.
enum class TargetKind {
  kMasked,  // hidden tokens
  kNext,    // the token after each one
  kLabel,   // one class of the sequence
  kTags,    // a class of each word, at its first piece
  kLabels,  // any number of classes of the sequence
  kValue,   // a number of the sequence
};
struct TargetSettings {
  TargetKind kind = TargetKind::kMasked;
  double rate = 0.15;        // kMasked: max(1, round(rate·T)) tokens of a sequence
  bool prepend_cls = false;  // [CLS] stands in front; it does where one of several asks for it
};
bool prepends_cls(const std::vector<TargetSettings>& targets);
bool asks_for(const std::vector<TargetSettings>& targets, TargetKind kind);

}  // namespace vitrine
