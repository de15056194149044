#include <algorithm>
#include <charconv>
#include <cmath>
#include <deque>
#include <limits>
#include <memory>
#include <utility>

#include "base/error.h"
#include "data/corpora.h"
#include "data/pairs.h"
#include "data/splits.h"
#include "data/table_file.h"

namespace vitrine {
namespace {

constexpr std::string_view kBlank = " \t\r\n\v\f";

std::string_view trim(std::string_view text) {
  const size_t begin = std::min(text.find_first_not_of(kBlank), text.size());
  return text.substr(begin, text.find_last_not_of(kBlank) + 1 - begin);
}

struct Row {
  std::string_view text, second;  // into a file, or into Table::kept
  int32_t tokens = 0;             // after the cut, with what joins a pair
  int32_t label = -1;
  double value = std::numeric_limits<double>::quiet_NaN();
  std::vector<int32_t> labels;
};

// What the three splits share.
struct Table {
  DataSettings data;
  std::vector<TargetSettings> targets;
  Vocabulary names;              // labels of all splits, as they come
  std::deque<std::string> kept;  // texts that do not stand in a file as they are
  int64_t limit = 0;             // tokens of a sequence
  bool pairs() const { return data.text.size() == 2; }
};

class TableDataset final : public Dataset {
 public:
  TableDataset(std::shared_ptr<const Table> table, std::vector<Row> rows, const Tokenizer& tokenizer)
      : table_(std::move(table)), rows_(std::move(rows)), tokenizer_(tokenizer) {}

  int64_t size() const override { return std::ssize(rows_); }
  int64_t length(int64_t i) const override { return rows_[i].tokens; }

  void read(int64_t i, Example& out, int64_t) const override {
    const Row& row = rows_[i];
    out.clear();
    if (table_->pairs()) {
      thread_local std::vector<Piece> a, b;
      a.clear(), b.clear();
      tokenizer_.encode(row.text, a);
      tokenizer_.encode(row.second, b);
      join_pair(a, b, row.text.size(), table_->limit, out.pieces);
      types_of_pair(out.pieces, row.text.size(), out.types);
    } else {
      tokenizer_.encode(row.text, out.pieces, table_->limit);
    }
    for (const Piece& piece : out.pieces) out.tokens.push_back(piece.id);
    out.label = row.label;
    out.value = row.value;
    out.labels.assign(row.labels.begin(), row.labels.end());
  }

 private:
  std::shared_ptr<const Table> table_;
  std::vector<Row> rows_;
  const Tokenizer& tokenizer_;
};

// Reads the rows of files, one after the other.
class RowReader {
 public:
  RowReader(Table& table, Corpus& corpus) : table_(table), corpus_(corpus) {
    wanted_ = table.data.text;
    if (!table.data.label.empty()) wanted_.push_back(table.data.label);
  }

  std::vector<Row> read(const std::string& path) {
    std::vector<Row> rows;
    for (const std::string& name : expand_path(path)) {
      corpus_.files.push_back(std::make_unique<TextFile>(name, table_.data.encoding));
      file_ = corpus_.files.back().get();
      const std::unique_ptr<TableReader> reader = read_table(*file_, table_.data, wanted_);
      std::vector<Cell> cells;
      while (reader->next(cells)) {
        at_ = reader->begin();
        Row row;
        if (!read_texts(cells, row)) continue;
        if (!table_.data.label.empty()) read_label(cells.back(), row);
        rows.push_back(std::move(row));
      }
    }
    if (rows.empty()) fail(ErrorKind::kData, "{}: there is no row with a text", path);
    return rows;
  }

 private:
  template <class... A>
  [[noreturn]] void refuse(fmt::format_string<A...> format, A&&... arguments) const {
    fail(ErrorKind::kData, "{}:{}: {}", file_->path(), file_->line_of(at_), fmt::format(format, std::forward<A>(arguments)...));
  }

  // False: one of them is blank, and the row is left out.
  bool read_texts(const std::vector<Cell>& cells, Row& row) {
    for (size_t i = 0; i < table_.data.text.size(); ++i) {
      if (cells[i].is_list) refuse("`{}` is a list; expected a text", wanted_[i]);
      if (cells[i].text.size() > 0x7FFFFFFF) refuse("`{}` has more than 2 GiB", wanted_[i]);
      if (cells[i].missing || trim(cells[i].text).empty()) {
        if (corpus_.cut.rows_without_text++ == 0)
          corpus_.cut.first_without_text = fmt::format("{}:{}", file_->path(), file_->line_of(at_));
        return false;
      }
      (i == 0 ? row.text : row.second) =
          file_->holds(cells[i].text.data()) ? cells[i].text : std::string_view(table_.kept.emplace_back(cells[i].text));
    }
    return true;
  }

  void read_label(const Cell& cell, Row& row) {
    const auto wants = [&](TargetKind kind) { return asks_for(table_.targets, kind); };
    if (wants(TargetKind::kLabel)) {
      if (cell.is_list) refuse("`{}` is a list of labels; sequence_classification has one each", table_.data.label);
      if (trim(cell.text).empty()) refuse("`{}` is empty; every row needs a label", table_.data.label);
      row.label = table_.names.insert(trim(cell.text));
    }
    if (wants(TargetKind::kLabels)) read_labels(cell, row);
    if (wants(TargetKind::kValue)) row.value = number(cell);
  }

  void read_labels(const Cell& cell, Row& row) {
    const std::string& separator = table_.data.label_separator;
    const auto add = [&](std::string_view name) {
      if (name.empty()) refuse("`{}` has an empty label in its list", table_.data.label);
      row.labels.push_back(table_.names.insert(name));
    };
    for (const std::string_view item : cell.list) add(trim(item));
    if (cell.is_list || trim(cell.text).empty()) return;
    if (separator.empty())
      refuse(
          "`{}` is a text, and multi_label_classification needs lists\nhelp: data.label_separator says what stands between "
          "two labels, such as \";\"",
          table_.data.label);
    for (size_t at = 0, end; at <= cell.text.size(); at = end + separator.size()) {
      end = std::min(cell.text.find(separator, at), cell.text.size());
      add(trim(cell.text.substr(at, end - at)));
    }
  }

  double number(const Cell& cell) const {
    if (cell.is_list) refuse("`{}` is a list; expected a number", table_.data.label);
    std::string_view text = trim(cell.text);
    if (text.empty()) refuse("`{}` is empty; every row needs a number", table_.data.label);
    const std::string_view spelled = text;
    if (text.starts_with('+')) text.remove_prefix(1);
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
      refuse("`{}` is \"{}\"; expected a finite number, such as 0.5", table_.data.label, spelled.substr(0, 40));
    return value;
  }

  Table& table_;
  Corpus& corpus_;
  std::vector<std::string> wanted_;  // columns
  const TextFile* file_ = nullptr;
  size_t at_ = 0;  // where the row at hand begins
};

// Numbers labels as they stand in the sorted list of those of the training split; counts those that are not in it.
void number_labels(Table& table, Corpus& corpus, std::vector<std::string> learned, Splits<Row>& splits) {
  std::vector<char> used(static_cast<size_t>(table.names.size()), 0);
  for (const Row& row : splits.train) {
    if (row.label >= 0) used[row.label] = 1;
    for (const int32_t label : row.labels) used[label] = 1;
  }
  corpus.labels = learned.empty() ? sort_names(table.names, used) : std::move(learned);
  const std::vector<int32_t> places = places_in(corpus.labels, table.names);
  const bool counts = asks_for(table.targets, TargetKind::kLabel);
  for (std::vector<Row>* rows : splits.all())
    for (Row& row : *rows) {
      if (row.label >= 0) row.label = places[row.label];
      for (int32_t& label : row.labels) label = places[label];
      std::sort(row.labels.begin(), row.labels.end());
      const auto known = std::find_if(row.labels.begin(), row.labels.end(), [](int32_t label) { return label >= 0; });
      row.labels.erase(std::unique(known, row.labels.end()), row.labels.end());
      corpus.cut.unknown_labels += (known - row.labels.begin()) + (counts && row.label < 0);
    }
}

void measure(const Table& table, const Tokenizer& tokenizer, std::vector<Row>& rows, CutReport& report) {
  std::vector<Piece> pieces;
  const auto count = [&](std::string_view text) {
    int64_t total = 0;
    for (size_t at = 0; at < text.size(); total += std::ssize(pieces)) {
      pieces.clear();
      tokenizer.encode_part(text, at, pieces);
    }
    return total;
  };
  for (Row& row : rows) {
    const int64_t total = count(row.text) + (table.pairs() ? count(row.second) + 2 : 0);
    row.tokens = static_cast<int32_t>(std::min(total, table.limit));
    report.sequences_cut += total > table.limit;
    report.tokens_cut += std::max<int64_t>(total - table.limit, 0);
  }
}

}  // namespace

Corpus load_table_corpus(const DataSettings& data, const TokenizerSettings& settings, const std::vector<TargetSettings>& targets,
                         uint64_t seed, Learned learned) {
  Corpus corpus;
  const auto table = std::make_shared<Table>();
  table->data = data, table->targets = targets, table->limit = token_limit(data, targets);
  RowReader reader(*table, corpus);
  const auto read = [&](const SplitSource& source, const std::string&) { return reader.read(source.path); };
  Splits<Row> splits = read_splits<Row>(data, "rows", seed, read);

  corpus.tokenizer = std::move(learned.tokenizer);
  if (!corpus.tokenizer) {
    const auto builder = make_tokenizer_builder(settings);
    for (const Row& row : splits.train) {
      builder->add(row.text);
      if (table->pairs()) builder->add(row.second);
    }
    corpus.tokenizer = builder->build();
  }
  if (table->names.size() > 0 || asks_for(targets, TargetKind::kLabels))
    number_labels(*table, corpus, std::move(learned.labels), splits);
  if (asks_for(targets, TargetKind::kLabel) && corpus.labels.size() < 2)
    fail(ErrorKind::kData, "{}: every row of the training split has the label \"{}\"; a classifier needs at least two",
         data.train, corpus.labels[0]);
  make_datasets(std::move(splits), corpus, [&](std::vector<Row> rows) {
    measure(*table, *corpus.tokenizer, rows, corpus.cut);
    return std::make_unique<TableDataset>(table, std::move(rows), *corpus.tokenizer);
  });
  return corpus;
}

}  // namespace vitrine
