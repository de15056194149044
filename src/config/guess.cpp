#include "config/guess.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>

#include "base/closest.h"
#include "base/error.h"
#include "config/config.h"
#include "config/value.h"
#include "data/file_form.h"
#include "data/input_file.h"

namespace vitrine {
namespace {
namespace fs = std::filesystem;

using Names = std::vector<std::string>;

const Names kLabelNames = {"label", "labels", "class",  "category", "target", "intent", "sentiment", "stars", "rating",
                           "score", "topic",  "topics", "tags",     "genre",  "type",   "answer",    "y"};
const std::pair<const char*, const char*> kPairNames[] = {{"premise", "hypothesis"},    {"sentence1", "sentence2"},
                                                          {"sentence_1", "sentence_2"}, {"sentence_a", "sentence_b"},
                                                          {"question1", "question2"},   {"text1", "text2"},
                                                          {"text_1", "text_2"},         {"text_a", "text_b"},
                                                          {"question", "sentence"},     {"question", "answer"},
                                                          {"query", "passage"},         {"query", "document"},
                                                          {"first", "second"},          {"a", "b"}};

// What is learnt of a column.
struct Guess {
  std::string objective, why;
  std::string separator;  // between several labels
};

// Several labels in one cell: split at the separator they are far fewer.
std::optional<std::string> separator_of(const ColumnForm& column) {
  for (const std::string separator : {";", "|", ","}) {
    std::map<std::string, int64_t> parts;
    int64_t with = 0, all = 0;
    for (const auto& [value, count] : column.seen) {
      with += value.find(separator) != value.npos ? count : 0, all += count;
      for (size_t at = 0, end; at <= value.size(); at = end + 1) {
        end = std::min(value.find(separator, at), value.size());
        size_t begin = at;
        while (begin < end && value[begin] == ' ') ++begin;
        ++parts[value.substr(begin, end - begin)];
      }
    }
    if (with * 20 > all && parts.size() * 2 <= column.seen.size() && parts.size() <= 500 && !parts.contains("")) return separator;
  }
  return {};
}

// None: this column is no label.
std::optional<Guess> learn_from(const ColumnForm& c, int64_t rows) {
  const auto values = std::ssize(c.seen);
  if (c.cells == 0 || values < 2) return {};
  if (c.lists == c.cells)
    return Guess{"multi_label_classification", fmt::format("{} holds lists of {} different labels", c.name, values), ""};
  if (c.lists > 0) return {};
  if (c.numbers == c.cells && c.cells == rows && (c.whole < c.cells || values > 20)) {
    if (c.whole == c.cells && values == rows) return {};  // an id
    return Guess{"regression", fmt::format("{} holds {} different numbers", c.name, values), ""};
  }
  if (const auto separator = separator_of(c); separator && c.numbers < c.cells)
    return Guess{"multi_label_classification", fmt::format("{} holds several labels between \"{}\"", c.name, *separator),
                 *separator};
  if (c.cells < rows || values > std::min<int64_t>(500, rows / 4) || c.mean_words() > 4) return {};
  return Guess{"sequence_classification", fmt::format("{} has {} different values", c.name, values), ""};
}

bool is_named(const ColumnForm& column, const std::string& name) { return plain(column.name) == name; }

struct Columns {
  std::vector<const ColumnForm*> text;
  const ColumnForm* label = nullptr;
  std::string why_text, why_label;
  std::optional<Guess> guess;
};

void choose_label(const FileForm& form, Columns& out) {
  const auto take = [&](const ColumnForm& c, const std::string& why) {
    if (out.label != nullptr || std::find(out.text.begin(), out.text.end(), &c) != out.text.end()) return;
    out.guess = learn_from(c, form.rows);
    if (out.guess) out.label = &c, out.why_label = why;
  };
  for (const std::string& name : kLabelNames)
    for (const ColumnForm& c : form.columns)
      if (is_named(c, name)) take(c, "its name");
  std::vector<const ColumnForm*> few;
  for (const ColumnForm& c : form.columns) few.push_back(&c);
  std::stable_sort(few.begin(), few.end(), [](auto* a, auto* b) { return a->seen.size() < b->seen.size(); });
  for (const ColumnForm* c : few) take(*c, "of the other columns it has the fewest different values");
}

Columns choose_columns(const FileForm& form) {
  Columns out;
  const auto find = [&](const std::string& name) {
    const auto found = std::find_if(form.columns.begin(), form.columns.end(), [&](const auto& c) { return is_named(c, name); });
    return found == form.columns.end() ? nullptr : &*found;
  };
  for (const auto& [first, second] : kPairNames)
    if (const auto* a = find(first), *b = find(second);
        out.text.empty() && a && b && a->mean_words() > 2 && b->mean_words() > 2) {
      out.text = {a, b};
      out.why_text = "two texts, by their names: a pair; for one text alone, name one column";
    }
  if (out.text.empty()) {
    const ColumnForm* longest = nullptr;
    for (const ColumnForm& c : form.columns)
      if (c.numbers < c.cells && (longest == nullptr || c.mean_words() > longest->mean_words())) longest = &c;
    if (longest == nullptr) return out;
    out.text = {longest};
    out.why_text = fmt::format("the column with the longest texts, {:.1f} words on average", longest->mean_words());
  }
  choose_label(form, out);
  return out;
}

// "train" in its name stands for "test" or "valid" in that of a file beside it.
std::string beside(const std::string& path, const Names& splits) {
  const std::string name = fs::path(path).filename().string();
  const size_t at = name.find("train");
  for (const std::string& split : splits) {
    if (at == name.npos) break;
    const fs::path other = fs::path(path).parent_path() / (name.substr(0, at) + split + name.substr(at + 5));
    if (fs::exists(other)) return other.string();
  }
  return {};
}

class Writer {
 public:
  explicit Writer(const std::string& path) : path_(path), form_(look_at_file(path)) {}

  std::string write() {
    for (const auto& [key, why] : form_.why) notes_[key] = why;
    notes_["data.train"] = "from here the path is relative to the folder of this file";
    if (form_.kind == DataKind::kTable) columns_ = choose_columns(form_);
    if (form_.kind == DataKind::kTable && columns_.text.empty())
      fail(ErrorKind::kData, "{}: no column holds texts; there is {}", path_, fmt::join(names(), ", "));
    data();
    objective();
    sizes();
    const Config config = parse_config(yaml_, fs::path(without_compression(path_)).filename().string()).config;
    return fmt::format(
        "# Guessed from {}{}. What a reason stands beside is a guess; `vitrine config explain KEY` says what a key may be.\n{}",
        path_, form_.whole ? "" : fmt::format(", of which {} rows were looked at", form_.rows), commented(config, notes_));
  }

 private:
  Names names() const {
    Names all;
    for (const ColumnForm& c : form_.columns) all.push_back(fmt::format("`{}`", c.name));
    return all;
  }
  void add(const std::string& section, const std::string& keys) { yaml_ += fmt::format("{}: {{{}}}\n", section, keys); }

  void data() {
    const char* kinds[] = {"text", "lines", "labelled_lines", "table", "tagged", "jsonl"};
    const DataKind order[] = {DataKind::kText,  DataKind::kLines,  DataKind::kLabelledLines,
                              DataKind::kTable, DataKind::kTagged, DataKind::kJsonl};
    const auto kind = std::find(std::begin(order), std::end(order), form_.kind) - std::begin(order);
    std::string keys = fmt::format("kind: {}, train: {}", kinds[kind], write_text(path_));
    if (form_.encoding == Encoding::kLatin1) keys += ", encoding: latin-1";
    if (form_.kind == DataKind::kTable) {
      const auto name = [](const ColumnForm* c) { return write_text(c->name); };
      keys += columns_.text.size() == 2 ? fmt::format(", text: [{}, {}]", name(columns_.text[0]), name(columns_.text[1]))
                                        : fmt::format(", text: {}", name(columns_.text[0]));
      notes_["data.text"] = columns_.why_text;
      if (columns_.label) keys += ", label: " + name(columns_.label), notes_["data.label"] = columns_.why_label;
      if (columns_.guess && !columns_.guess->separator.empty())
        keys += ", label_separator: " + write_text(columns_.guess->separator),
            notes_["data.label_separator"] = columns_.guess->why;
      const char* formats[] = {"auto", "csv", "tsv", "jsonl"};
      keys += fmt::format(", format: {}", formats[static_cast<int>(form_.format)]);
      if (form_.format == TableFormat::kCsv)
        keys += fmt::format(", delimiter: {}", form_.delimiter == ','    ? "comma"
                                               : form_.delimiter == ';'  ? "semicolon"
                                               : form_.delimiter == '\t' ? "tab"
                                                                         : "bar");
      if (!form_.header) keys += ", header: false";
    }
    const std::string test = beside(path_, {"test"}), validation = beside(path_, {"validation", "valid", "val", "dev"});
    keys += ", validation: " + (validation.empty() ? "0.1" : write_text(validation));
    notes_["data.validation"] = validation.empty() ? "no file for it stands beside this one: a tenth, drawn by the seed"
                                                   : "a file of this name stands beside it";
    if (!test.empty() || form_.rows >= 500) keys += ", test: " + (test.empty() ? "0.1" : write_text(test));
    notes_["data.test"] = test.empty() ? "likewise" : "a file of this name stands beside it";
    length(keys);
    add("data", keys);
  }

  // Nearly all sequences are whole: the 99th percentile, up to a multiple of 8.
  void length(std::string& keys) {
    if (form_.kind == DataKind::kText) {
      max_length_ = 64;
      notes_["data.max_length"] = "characters that the model sees at once";
    } else {
      std::vector<int64_t> sorted = spells() && !form_.sizes.empty() ? form_.sizes : form_.lengths;
      std::sort(sorted.begin(), sorted.end());
      const int64_t most = sorted[static_cast<size_t>(0.99 * static_cast<double>(sorted.size() - 1))];
      const int64_t needed = columns_.text.size() == 2 ? 2 * most + 3 : most + 1;
      max_length_ = std::clamp<int64_t>((needed + 7) / 8 * 8, 8, 512);
      notes_["data.max_length"] = fmt::format("99 of 100 texts have at most {} {}{}", most, spells() ? "bytes" : "words",
                                              needed > 512 ? "; attention takes long beyond 512" : "");
    }
    keys += fmt::format(", max_length: {}", max_length_);
  }

  void objective() {
    const bool labelled = form_.kind == DataKind::kLabelledLines, jsonl = form_.kind == DataKind::kJsonl;
    if (form_.tags || jsonl) {
      notes_["objective.kind"] = form_.tags ? "there is a tag for each word" : "there is a label for each sequence";
      metric_ = form_.entities ? "f1" : "accuracy";
      if (form_.entities) notes_["evaluation.metric"] = "of whole entities";
      return add("objective", form_.tags ? "kind: token_classification" : "kind: sequence_classification");
    }
    const std::string kind = labelled                        ? "sequence_classification"
                             : columns_.guess                ? columns_.guess->objective
                             : form_.kind == DataKind::kText ? "causal_lm"
                                                             : "masked_lm";
    notes_["objective.kind"] = labelled
                                   ? fmt::format("the first word of a line is one of {} labels", form_.columns[0].seen.size())
                               : columns_.guess ? columns_.guess->why
                               : form_.kind == DataKind::kText
                                   ? "there are no labels: the next character"
                                   : "there are no labels: hidden words are learnt, which an encoder can be pre-trained with";
    add("objective", "kind: " + kind);
    std::string metric = "loss";
    if (kind == "sequence_classification") metric = skewed() ? "f1" : "accuracy";
    if (kind == "multi_label_classification") metric = "f1";
    if (kind == "regression") metric = "pearson";
    if (metric == "f1" && skewed()) notes_["evaluation.metric"] = "one class is so frequent that accuracy says little";
    metric_ = metric;
  }

  // Texts of one word, or without spaces between words, are read by their characters.
  bool spells() const {
    if (form_.kind == DataKind::kText) return true;
    if (form_.kind == DataKind::kTagged || form_.kind == DataKind::kJsonl) return false;
    const ColumnForm& text = columns_.text.empty() ? form_.columns.back() : *columns_.text[0];
    return text.mean_words() < 1.5 || text.bytes > 20 * text.words;
  }

  // More than 8 of 10 have one label.
  bool skewed() const {
    const ColumnForm& labels = columns_.label ? *columns_.label : form_.columns[0];
    int64_t most = 0;
    for (const auto& [value, count] : labels.seen) most = std::max(most, count);
    return most * 10 > labels.cells * 8;
  }

  void sizes() {
    const bool text = form_.kind == DataKind::kText, small = form_.rows < 1000 && !text;
    if (spells()) {
      add("tokenizer", text ? "kind: character" : "kind: character, lowercase: true");
      notes_["tokenizer.kind"] =
          text ? "the next character can be learnt from little text" : "texts of a word each, or without spaces between words";
    } else if (form_.kind != DataKind::kJsonl) {
      const bool lowercase = form_.kind != DataKind::kTagged;
      add("tokenizer", fmt::format("kind: word, lowercase: {}, min_count: {}, max_size: 30000", lowercase, small ? 1 : 2));
      if (!lowercase) notes_["tokenizer.lowercase"] = "capital letters tell names";
      notes_["tokenizer.kind"] = "for short texts the simplest";
      notes_["tokenizer.min_count"] =
          small ? "the file is small: every word counts" : "a word that stands there once teaches nothing";
    }
    add("model", small ? "width: 64, layers: 1, heads: 4, hidden: 256, dropout: 0.2, position: learned"
                       : "width: 128, layers: 2, heads: 4, hidden: 512, dropout: 0.1, position: learned");
    notes_["model.width"] =
        fmt::format("{} {}: {}", form_.rows, text ? "lines" : "rows", small ? "a small model" : "a model of two layers");
    add("optimizer", "learning_rate: 1.0e-03");
    const int64_t batch = 32, per_epoch = std::max<int64_t>(1, form_.rows * 9 / 10 / batch);
    // Some 3,000 steps, but no fewer than 3 passes and no more than 30.
    const int64_t epochs = std::clamp<int64_t>((3000 + per_epoch / 2) / per_epoch, 3, 30);
    const int64_t steps = text ? 2000 : epochs * per_epoch;
    if (text)
      add("training", "steps: 2000, batch_size: 32, clip: 1.0");
    else
      add("training", fmt::format("epochs: {}, batch_size: {}, clip: 1.0", epochs, batch));
    notes_["training.epochs"] = fmt::format("some {} steps", steps);
    add("schedule", fmt::format("kind: linear, warmup_steps: {}", std::min<int64_t>(100, steps / 10)));
    add("evaluation", fmt::format("every: {}, metric: {}", std::max<int64_t>(10, steps / 12), metric_));
    notes_["evaluation.every"] = "a dozen times; the best of them is kept";
  }

  std::string path_;
  FileForm form_;
  Columns columns_;
  int64_t max_length_ = 0;
  std::string metric_, yaml_;
  std::map<std::string, std::string> notes_;
};

}  // namespace

std::string write_config_for(const std::string& path) { return Writer(path).write(); }

}  // namespace vitrine
