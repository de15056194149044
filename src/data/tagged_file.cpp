#include "data/tagged_file.h"

#include <algorithm>

#include "base/error.h"

namespace vitrine {
namespace {

constexpr std::string_view kBlank = " \t\r\v\f";

std::string_view trim(std::string_view s) {
  const size_t first = s.find_first_not_of(kBlank), last = s.find_last_not_of(kBlank);
  return first == s.npos ? std::string_view() : s.substr(first, last - first + 1);
}

// Moves `at` behind the next line of a text.
std::string_view next_line(std::string_view text, size_t& at) {
  const size_t next = std::min(text.find('\n', at), text.size());
  const std::string_view line = text.substr(at, next - at);
  at = next + 1;
  return line;
}

template <class F>  // f(word): the parts of a line between white space, in order
void for_each_word(std::string_view line, const F& f) {
  for (size_t end = 0, begin; (begin = line.find_first_not_of(kBlank, end)) != line.npos;) {
    end = std::min(line.find_first_of(kBlank, begin), line.size());
    f(line.substr(begin, end - begin));
  }
}

// The word and its tag, and how many columns there are.
int64_t read_line(std::string_view line, const Columns& columns, TaggedWord& out) {
  int64_t column = 0;
  const auto take = [&](std::string_view part) {
    if (column == columns.token) out.word = part;
    if (column == columns.tag) out.tag = part;
    ++column;
  };
  if (!columns.tabs) {
    for_each_word(line, take);
    return column;
  }
  for (size_t at = 0, next; at <= line.size(); at = next + 1) {
    next = std::min(line.find('\t', at), line.size());
    take(trim(line.substr(at, next - at)));
  }
  return column;
}

bool is_skipped(std::string_view line, const Columns& columns) {
  return line.starts_with("-DOCSTART-") || (columns.tabs && line.starts_with('#') && line.find('\t') == line.npos);
}

// Whether a line has a tab between two things.
bool has_tabs(std::string_view text) {
  for (size_t at = 0; at < text.size();)
    if (trim(next_line(text, at)).find('\t') != text.npos) return true;
  return false;
}

// The columns of a file by its first word, in line `number`.
Columns settle(const TextFile& file, std::string_view line, int64_t number, int64_t count, Columns columns) {
  const auto missing = [&](const char* key, int64_t column) {
    if (column >= count)
      fail(ErrorKind::kData, "{}:{}: there is no column {}, which data.columns.{} names: \"{}\" has {}, counted from 0",
           file.path(), number, column, key, line.substr(0, 60),
           count == 1 ? "only column 0" : fmt::format("0 to {}", count - 1));
  };
  if (columns.tag < 0) columns.tag = count - 1;
  missing("token", columns.token);
  missing("tag", columns.tag);
  if (columns.tag == columns.token)
    fail(ErrorKind::kData,
         "{}:{}: \"{}\" has only one column, so a word has no tag\nhelp: a line is a word, white space, and its tag", file.path(),
         number, line.substr(0, 60));
  return columns;
}

}  // namespace

void TaggedSentence::read(std::vector<TaggedWord>& out) const {
  out.clear();
  if (in_columns) {
    for (size_t at = 0; at < words.size();) {
      const std::string_view line = next_line(words, at);
      if (!is_skipped(line, columns)) read_line(line, columns, out.emplace_back());
    }
    return;
  }
  for_each_word(words, [&](std::string_view word) { out.push_back({word, {}}); });
  size_t w = 0;
  for_each_word(tags, [&](std::string_view tag) { out[w++].tag = tag; });
}

std::vector<TaggedSentence> read_columns(const TextFile& file, int64_t token, int64_t tag) {
  std::vector<TaggedSentence> sentences;
  const std::string_view text = file.text();
  Columns columns{token, tag, has_tabs(text)};
  int64_t number = 0, first = 0, expected = 0;  // of columns, as in line `first`
  size_t begin = 0, end = 0;                    // of the sentence, as far as it has been read
  const auto finish = [&] {
    if (end > begin) sentences.push_back({text.substr(begin, end - begin), {}, {}, true, columns});
    end = begin;
  };
  for (size_t at = 0; at < text.size();) {
    const size_t start = at;
    const std::string_view line = next_line(text, at);
    ++number;
    const bool blank = trim(line).empty();
    if (blank) finish();
    if (blank || is_skipped(line, columns)) continue;
    TaggedWord word;
    const int64_t count = read_line(line, columns, word);
    if (expected == 0) {
      columns = settle(file, line, number, count, columns);
      first = number, expected = count;
      read_line(line, columns, word);
    }
    if (count != expected)
      fail(ErrorKind::kData,
           "{}:{}: {} column{}, but line {} has {}\nhelp: a line is a word and what belongs to it; an empty line ends a sentence",
           file.path(), number, count, count == 1 ? "" : "s", first, expected);
    if (word.word.empty() || word.tag.empty())
      fail(ErrorKind::kData, "{}:{}: column {} is empty; each word has a tag", file.path(), number,
           word.word.empty() ? columns.token : columns.tag);
    if (end == begin) begin = start;
    end = start + line.size();
  }
  finish();
  if (sentences.empty()) fail(ErrorKind::kData, "{}: no text", file.path());
  return sentences;
}

std::vector<TaggedSentence> read_parallel(const TextFile& words, const TextFile& tags, const TextFile* labels) {
  std::vector<TaggedSentence> sentences;
  size_t at = 0, tags_at = 0, labels_at = 0;
  const auto next = [](const TextFile* file, size_t& place) {
    return file != nullptr && place < file->text().size() ? next_line(file->text(), place) : std::string_view();
  };
  const auto count = [](std::string_view line) {
    int64_t n = 0;
    for_each_word(line, [&](std::string_view) { ++n; });
    return n;
  };
  for (int64_t number = 1;
       at < words.text().size() || tags_at < tags.text().size() || (labels != nullptr && labels_at < labels->text().size());
       ++number) {
    TaggedSentence s{next(&words, at), next(&tags, tags_at), trim(next(labels, labels_at))};
    const int64_t have = count(s.words), tagged = count(s.tags);
    if (have != tagged)
      fail(ErrorKind::kData, "{}:{}: {} tag{} for the {} word{} of {}:{}", tags.path(), number, tagged, tagged == 1 ? "" : "s",
           have, have == 1 ? "" : "s", words.path(), number);
    if (labels != nullptr && s.label.empty() != (have == 0))
      fail(ErrorKind::kData, "{}:{}: {} {}:{}", labels->path(), number,
           have == 0 ? "a label, but there are no words in" : "no label for the words of", words.path(), number);
    if (have > 0) sentences.push_back(s);
  }
  if (sentences.empty()) fail(ErrorKind::kData, "{}: no text", words.path());
  return sentences;
}

}  // namespace vitrine
