#include "data/file_form.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "data/csv.h"
#include "data/input_file.h"
#include "data/tokenizer/words.h"
#include "data/utf8.h"

namespace vitrine {
namespace {

using Json = nlohmann::ordered_json;
using Fields = std::vector<std::string_view>;
constexpr std::string_view kBlank = " \t\r\n\v\f";
constexpr size_t kMostSeen = 5000;  // values of a column that are told apart

std::string_view trim(std::string_view text) {
  const size_t begin = std::min(text.find_first_not_of(kBlank), text.size());
  return text.substr(begin, text.find_last_not_of(kBlank) + 1 - begin);
}

int64_t count_words(std::string_view text) {
  int64_t words = 0;
  for (size_t at = 0, begin = 0; next_word(text, at, begin);) ++words;
  return words;
}

bool is_number(std::string_view text, bool& whole) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  whole = value == std::floor(value);
  return error == std::errc() && end == text.data() + text.size() && std::isfinite(value);
}

void count(ColumnForm& column, std::string_view value) {
  if (column.seen.size() < kMostSeen || column.seen.contains(std::string(value))) ++column.seen[std::string(value)];
}

// Its words; of an empty cell none.
int64_t add(ColumnForm& column, std::string_view cell) {
  cell = trim(cell);
  if (cell.empty()) return 0;
  bool whole = false;
  const bool number = is_number(cell, whole);
  const int64_t words = count_words(cell);
  ++column.cells, column.numbers += number, column.whole += number && whole, column.words += words;
  column.bytes += std::ssize(cell);
  count(column, cell);
  return words;
}

// The lines that are not blank, as they come, until f says false.
template <class F>
void for_each_line(std::string_view text, F f) {
  for (size_t at = 0, next; at < text.size(); at = next + 1) {
    next = std::min(text.find('\n', at), text.size());
    if (!f(text.substr(at, next - at))) return;
  }
}

bool add_row(FileForm& form, const Fields& fields, int64_t most) {
  if (form.rows == most) return form.whole = false;
  int64_t longest = 0, size = 0;
  for (size_t i = 0; i < fields.size(); ++i) {
    longest = std::max(longest, add(form.columns[i], fields[i]));
    size = std::max(size, std::ssize(fields[i]));
  }
  form.lengths.push_back(longest), form.sizes.push_back(size);
  return ++form.rows, true;
}

// Fields of each of the first rows where all have as many; else 0.
size_t fields_of_all(const TextFile& file, char delimiter, bool quotes, int64_t most = 200) {
  try {
    CsvRows rows(file, delimiter, quotes);
    Fields fields;
    size_t all = 0;
    for (int64_t i = 0; i < most && rows.next(fields); ++i) {
      if (i > 0 && fields.size() != all) return 0;
      all = fields.size();
    }
    return all;
  } catch (const Error&) {  // a quote that is never closed
    return 0;
  }
}

// Of these characters, or the first of them where there is none.
char most_frequent(std::string_view text, std::string_view characters) {
  return *std::max_element(characters.begin(), characters.end(), [&](char a, char b) {
    return std::count(text.begin(), text.end(), a) < std::count(text.begin(), text.end(), b);
  });
}

// A name is no number, and no cell below says the same.
bool is_header(const Fields& first, const std::vector<ColumnForm>& columns) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < first.size(); ++i) {
    const std::string_view name = trim(first[i]);
    bool whole = false;
    if (name.empty() || name.size() > 60 || is_number(name, whole) || !names.insert(name).second) return false;
    if (columns[i].seen.contains(std::string(name))) return false;
  }
  return true;
}

void look_at_table(const TextFile& file, FileForm& form, bool quotes, int64_t most) {
  form.kind = DataKind::kTable;
  CsvRows rows(file, form.delimiter, quotes);
  Fields fields, first;
  rows.next(fields);
  std::vector<std::string> kept(fields.begin(), fields.end());
  first.assign(kept.begin(), kept.end());
  form.columns.resize(first.size());
  while (rows.next(fields)) {
    if (fields.size() != first.size())
      fail(ErrorKind::kData, "{}:{}: this row has {} fields, and the first row {}", file.path(), file.line_of(rows.begin()),
           fields.size(), first.size());
    if (!add_row(form, fields, most)) break;
  }
  form.header = is_header(first, form.columns);
  form.why["data.header"] = form.header ? "no cell of the first row is a number, or stands below again"
                                        : "the first row is like the others: columns are called 0, 1, …";
  if (!form.header) add_row(form, first, most + 1);
  for (size_t i = 0; i < first.size(); ++i) form.columns[i].name = form.header ? kept[i] : std::to_string(i);
}

bool look_at_json(const TextFile& file, FileForm& form, int64_t most) {
  const bool named = without_compression(file.path()).ends_with(".jsonl");
  if (!named && !trim(file.text().substr(0, 4096)).starts_with('{')) return false;
  bool fits = true, tokens = false, targets = false;
  for_each_line(file.text(), [&](std::string_view line) {
    if (trim(line).empty()) return true;
    if (form.rows == most) return form.whole = false;
    const Json row = Json::parse(line, nullptr, false);
    if (!row.is_object()) {
      if (named)
        fail(ErrorKind::kData, "{}:{}: this line is not a JSON object", file.path(),
             file.line_of(line.data() - file.text().data()));
      return fits = false;
    }
    int64_t longest = 0, size = 0;
    tokens = tokens || (row.contains("tokens") && row["tokens"].is_array());
    targets = targets || row.contains("targets");
    for (const auto& [name, value] : row.items()) {
      auto column =
          std::find_if(form.columns.begin(), form.columns.end(), [&n = name](const ColumnForm& c) { return c.name == n; });
      if (column == form.columns.end()) {
        form.columns.emplace_back().name = name;
        column = form.columns.end() - 1;
      }
      if (value.is_array()) {
        ++column->cells, ++column->lists;
        if (name == "tokens") longest = std::ssize(value);
        for (const Json& item : value) count(*column, item.is_string() ? item.get<std::string>() : item.dump());
      } else if (!value.is_null() && !value.is_object()) {
        const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
        longest = std::max(longest, add(*column, text)), size = std::max(size, std::ssize(text));
      }
    }
    form.lengths.push_back(longest), form.sizes.push_back(size);
    return ++form.rows, true;
  });
  if (!fits) return form = {}, false;
  if (tokens) {
    form.kind = DataKind::kJsonl, form.tags = targets;
    form.why["data.kind"] = "every line is a JSON object with `tokens`";
    return true;
  }
  form.kind = DataKind::kTable, form.format = TableFormat::kJsonl;
  form.why["data.kind"] = "every line is a JSON object";
  return true;
}

bool look_at_separated(const TextFile& file, FileForm& form, int64_t most) {
  const std::string_view name = without_compression(file.path());
  const bool csv = name.ends_with(".csv"), tsv = name.ends_with(".tsv") || name.ends_with(".tab");
  if (tsv || (!csv && fields_of_all(file, '\t', false) > 1)) {
    form.format = TableFormat::kTsv, form.delimiter = '\t';
    form.why["data.kind"] = tsv ? "its name says that it has columns between tabs" : "every line has as many tabs";
    return look_at_table(file, form, false, most), true;
  }
  size_t best = 1;
  for (const char delimiter : {',', ';', '\t', '|'})
    if (const size_t fields = fields_of_all(file, delimiter, true); fields > best) best = fields, form.delimiter = delimiter;
  if (!csv && best < 2) return false;
  if (best < 2) form.delimiter = most_frequent(file.text().substr(0, file.text().find('\n')), ",;\t|");
  form.format = TableFormat::kCsv;
  form.why["data.kind"] = csv ? "its name says that it is a table" : "every row has as many fields";
  if (best > 1) form.why["data.delimiter"] = fmt::format("with it every row has {} fields", best);
  return look_at_table(file, form, true, most), true;
}

// A word and its tag a line, an empty line between sentences: as many columns everywhere, and few different words in the last.
bool look_at_tagged(const TextFile& file, FileForm& form, int64_t most) {
  int64_t words = 0, length = 0;
  bool fits = true;
  const auto end_sentence = [&] {
    if (length > 0) form.lengths.push_back(std::exchange(length, 0)), ++form.rows;
  };
  for_each_line(file.text(), [&](std::string_view line) {
    if (trim(line).empty() || line.starts_with("-DOCSTART-")) return end_sentence(), form.rows < most || (form.whole = false);
    Fields fields;
    for (size_t at = 0, end; (at = line.find_first_not_of(" \t", at)) != line.npos; at = end) {
      end = std::min(line.find_first_of(" \t", at), line.size());
      fields.push_back(line.substr(at, end - at));
    }
    if (form.columns.empty()) form.columns.resize(fields.size());
    fits = fits && fields.size() > 1 && fields.size() == form.columns.size();
    for (size_t i = 0; fits && i < fields.size(); ++i) ++form.columns[i].cells, count(form.columns[i], fields[i]);
    return ++words, ++length, fits;
  });
  end_sentence();
  if (!fits || words < 20 || form.rows * 2 > words || form.rows < 2) return form = {}, false;
  const ColumnForm& tags = form.columns.back();
  int64_t entities = 0;
  for (const auto& [tag, times] : tags.seen)
    entities +=
        tag == "O" || (tag.size() > 2 && tag[1] == '-' && std::string_view("BIESLU").find(tag[0]) != std::string_view::npos)
            ? times
            : 0;
  if (entities * 10 < words * 9 && std::ssize(tags.seen) > std::min<int64_t>(100, words / 10)) return form = {}, false;
  form.kind = DataKind::kTagged, form.tags = true, form.entities = entities * 10 >= words * 9;
  form.why["data.kind"] =
      fmt::format("every line has {} columns, the last with {} different words, and empty lines stand between",
                  form.columns.size(), tags.seen.size());
  return true;
}

// A label, then a text: few first words, each of them on many lines.
bool look_at_labelled(const TextFile& file, FileForm& form, int64_t most) {
  form.columns.resize(2);
  form.columns[0].name = "label", form.columns[1].name = "text";
  for_each_line(file.text(), [&](std::string_view line) {
    line = trim(line);
    if (line.empty()) return true;
    const size_t end = std::min(line.find_first_of(" \t"), line.size());
    return add_row(form, {line.substr(0, end), line.substr(end)}, most);
  });
  const auto labels = std::ssize(form.columns[0].seen);
  if (form.rows < 20 || form.columns[1].cells < form.rows || labels < 2 || labels > std::min<int64_t>(200, form.rows / 10))
    return form = {}, false;
  form.kind = DataKind::kLabelledLines;
  form.why["data.kind"] = fmt::format("the first words of {} lines are only {} different ones", form.rows, labels);
  return true;
}

// One text a line, or a text that goes on from line to line.
void look_at_text(const TextFile& file, FileForm& form, int64_t most) {
  form.columns.resize(1);
  form.columns[0].name = "text";
  int64_t blank = 0, ended = 0;
  for_each_line(file.text(), [&](std::string_view line) {
    line = trim(line);
    blank += line.empty();
    ended += !line.empty() && std::string_view(".!?\"')").find(line.back()) != line.npos;
    return line.empty() || add_row(form, {line}, most);
  });
  if (form.rows == 0) fail(ErrorKind::kData, "{}: no text", file.path());
  const bool lines = form.rows >= 200 && blank * 50 < form.rows && (ended * 2 > form.rows || blank == 0);
  form.kind = lines ? DataKind::kLines : DataKind::kText;
  form.why["data.kind"] = lines ? "no label, no columns, and no paragraphs: each line is a text of its own"
                                : "no label and no columns: one text, from its first line to its last";
}

}  // namespace

FileForm look_at_file(const std::string& path, int64_t most) {
  const std::string name = expand_path(path).front();
  FileForm form;
  std::string why = "every byte is valid UTF-8";
  const size_t bad = find_invalid_utf8(InputFile(name).bytes());
  const Encoding encoding = bad == std::string_view::npos ? Encoding::kUtf8 : Encoding::kLatin1;
  const TextFile file(name, encoding);
  if (encoding == Encoding::kLatin1)
    why = fmt::format("line {} is not valid UTF-8", file.line_of(std::min(bad, file.text().size())));
  const std::string_view end = without_compression(name);
  const bool named = end.ends_with(".csv") || end.ends_with(".tsv") || end.ends_with(".tab");
  if (named ? !look_at_separated(file, form, most)
            : !look_at_json(file, form, most) && !look_at_tagged(file, form, most) && !look_at_labelled(file, form, most) &&
                  !look_at_separated(file, form, most))
    look_at_text(file, form, most);
  form.encoding = encoding;
  form.why["data.encoding"] = std::move(why);
  return form;
}

}  // namespace vitrine
