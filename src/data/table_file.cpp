#include "data/table_file.h"

#include <algorithm>
#include <deque>
#include <nlohmann/json.hpp>

#include "base/closest.h"
#include "base/error.h"
#include "data/csv.h"

namespace vitrine {
namespace {

using Json = nlohmann::json;
using Names = std::vector<std::string>;

std::string shown(std::string_view text) {
  constexpr size_t kMost = 40;
  return text.size() <= kMost ? std::string(text) : std::string(text.substr(0, kMost)) + "…";
}

[[noreturn]] void fail_missing(const TextFile& file, size_t at, const std::string& name, const Names& names) {
  constexpr size_t kMost = 20;
  const std::string near = closest(name, names);
  std::string all;
  for (size_t i = 0; i < std::min(names.size(), kMost); ++i) all += fmt::format("{}`{}`", i > 0 ? ", " : "", shown(names[i]));
  fail(ErrorKind::kData, "{}:{}: there is no column `{}`; {}\nhelp: {}", file.path(), file.line_of(at), name,
       names.empty() ? "there is none at all" : fmt::format("there is {}{}", all, names.size() > kMost ? ", …" : ""),
       near.empty() ? "data.text and data.label name the columns, data.delimiter and data.header say how a csv is written"
                    : fmt::format("did you mean `{}`?", near));
}

class CsvTable final : public TableReader {
 public:
  CsvTable(const TextFile& file, const DataSettings& data, bool tsv, const Names& wanted)
      : file_(file), rows_(file, tsv ? '\t' : data.delimiter, !tsv) {
    if (!rows_.next(fields_)) fail(ErrorKind::kData, "{}: no text", file.path());
    columns_ = fields_.size();
    Names names;
    for (size_t i = 0; i < columns_; ++i) names.push_back(data.header ? std::string(fields_[i]) : std::to_string(i));
    for (const std::string& name : wanted) {
      const auto found = std::find(names.begin(), names.end(), name);
      if (found == names.end()) fail_missing(file, rows_.begin(), name, names);
      places_.push_back(static_cast<size_t>(found - names.begin()));
      if (const auto again = std::find(found + 1, names.end(), name); again != names.end())
        fail(ErrorKind::kData, "{}:{}: column `{}` stands twice, as field {} and as field {}; give one of them another name",
             file.path(), file.line_of(rows_.begin()), name, found - names.begin() + 1, again - names.begin() + 1);
    }
    first_is_row_ = !data.header;
  }

  bool next(std::vector<Cell>& cells) override {
    if (!std::exchange(first_is_row_, false) && !rows_.next(fields_)) return false;
    if (fields_.size() != columns_)
      fail(ErrorKind::kData, "{}:{}: this row has {} fields, and the first row {}\nhelp: {}", file_.path(),
           file_.line_of(rows_.begin()), fields_.size(), columns_,
           "a text with the separator in it needs quotes, and a tsv has no quotes");
    cells.assign(places_.size(), {});
    for (size_t i = 0; i < places_.size(); ++i) cells[i].text = fields_[places_[i]];
    return true;
  }
  size_t begin() const override { return rows_.begin(); }

 private:
  const TextFile& file_;
  CsvRows rows_;
  std::vector<std::string_view> fields_;
  size_t columns_ = 0;
  std::vector<size_t> places_;  // of the wanted columns
  bool first_is_row_ = false;
};

class JsonTable final : public TableReader {
 public:
  JsonTable(const TextFile& file, Names wanted) : file_(file), wanted_(std::move(wanted)) {}

  bool next(std::vector<Cell>& cells) override {
    const std::string_view text = file_.text();
    at_ = text.find_first_not_of(" \t\r\n", at_);
    if (at_ >= text.size()) return false;
    begin_ = at_;
    at_ = std::min(text.find('\n', at_), text.size());
    const Json row = parse(text.substr(begin_, at_ - begin_));
    kept_.clear();
    cells.assign(wanted_.size(), {});
    for (size_t i = 0; i < wanted_.size(); ++i) {
      const auto found = row.find(wanted_[i]);
      if (found == row.end()) {
        Names names;
        for (const auto& [name, value] : row.items()) names.push_back(name);
        fail_missing(file_, begin_, wanted_[i], names);
      }
      fill(cells[i], *found, wanted_[i]);
    }
    return true;
  }
  size_t begin() const override { return begin_; }

 private:
  Json parse(std::string_view line) const {
    std::vector<size_t> seen(wanted_.size(), 0);
    const auto count = [&](int depth, Json::parse_event_t event, Json& parsed) {
      if (event != Json::parse_event_t::key || depth != 1) return true;
      const auto found = std::find(wanted_.begin(), wanted_.end(), parsed.get_ref<const std::string&>());
      if (found != wanted_.end() && ++seen[static_cast<size_t>(found - wanted_.begin())] > 1)
        fail(ErrorKind::kData, "{}:{}: `{}` stands twice in this object", file_.path(), file_.line_of(begin_), *found);
      return true;
    };
    Json row;
    try {
      row = Json::parse(line, count);
    } catch (const Json::parse_error& error) {
      const size_t byte = std::clamp<size_t>(error.byte, 1, line.size());
      fail(ErrorKind::kData, "{}:{}: this line is not JSON from byte {} on: \"{}\"; a line of jsonl is one object", file_.path(),
           file_.line_of(begin_), byte, shown(line.substr(byte - 1)));
    } catch (const Json::out_of_range&) {
      fail(ErrorKind::kData, "{}:{}: a number of this line is too large for a double", file_.path(), file_.line_of(begin_));
    }
    if (!row.is_object())
      fail(ErrorKind::kData, "{}:{}: this line is JSON, but no object such as {{\"{}\": …}}", file_.path(), file_.line_of(begin_),
           wanted_[0]);
    return row;
  }

  void fill(Cell& cell, const Json& value, const std::string& name) {
    const auto keep = [&](const Json& scalar) -> std::string_view {
      if (scalar.is_structured() || scalar.is_null())
        fail(ErrorKind::kData, "{}:{}: `{}` holds {}; expected a text, a number, or a list of them", file_.path(),
             file_.line_of(begin_), name,
             scalar.is_null()    ? "null in a list"
             : scalar.is_array() ? "lists in a list"
                                 : "an object");
      return kept_.emplace_back(scalar.is_string() ? scalar.get<std::string>() : scalar.dump());
    };
    cell.missing = value.is_null();
    cell.is_list = value.is_array();
    if (cell.missing) return;
    if (!cell.is_list) return void(cell.text = keep(value));
    for (const Json& item : value) cell.list.push_back(keep(item));
  }

  const TextFile& file_;
  Names wanted_;
  size_t at_ = 0, begin_ = 0;
  std::deque<std::string> kept_;  // what the cells show
};

}  // namespace

TableFormat format_of(const std::string& path, TableFormat asked) {
  if (asked != TableFormat::kAuto) return asked;
  const std::string_view name = without_compression(path);
  for (const auto& [ending, format] : {std::pair{".csv", TableFormat::kCsv},
                                       {".tsv", TableFormat::kTsv},
                                       {".tab", TableFormat::kTsv},
                                       {".jsonl", TableFormat::kJsonl},
                                       {".ndjson", TableFormat::kJsonl}})
    if (name.ends_with(ending)) return format;
  fail(ErrorKind::kData, "{}: its name does not say whether this is csv, tsv or jsonl\nhelp: data.format says it", path);
}

std::unique_ptr<TableReader> read_table(const TextFile& file, const DataSettings& data, const std::vector<std::string>& wanted) {
  const TableFormat format = format_of(file.path(), data.format);
  if (format == TableFormat::kJsonl) return std::make_unique<JsonTable>(file, wanted);
  return std::make_unique<CsvTable>(file, data, format == TableFormat::kTsv, wanted);
}

}  // namespace vitrine
