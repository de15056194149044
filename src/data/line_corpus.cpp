#include <algorithm>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/workers.h"
#include "data/corpora.h"
#include "data/splits.h"

namespace vitrine {
namespace {

constexpr std::string_view kBlank = " \t\r\v\f";

struct Line {
  std::string_view text;  // into the file
  int32_t label = -1;
  int32_t tokens = 0;  // after the cut
};

class LineDataset final : public Dataset {
 public:
  LineDataset(std::vector<Line> lines, const Tokenizer& tokenizer, int64_t limit)
      : lines_(std::move(lines)), tokenizer_(tokenizer), limit_(limit) {}

  int64_t size() const override { return static_cast<int64_t>(lines_.size()); }
  int64_t length(int64_t i) const override { return lines_[i].tokens; }

  void read(int64_t i, Example& out, int64_t) const override {
    out.clear();
    out.text = lines_[i].text;
    tokenizer_.encode(out.text, out.pieces, limit_);
    for (const Piece& piece : out.pieces) out.tokens.push_back(piece.id);
    out.label = lines_[i].label;
  }

 private:
  std::vector<Line> lines_;
  const Tokenizer& tokenizer_;
  int64_t limit_;
};

// The lines of a file; labels are numbered in `names` as they come.
std::vector<Line> read_lines(const TextFile& file, bool labelled, Vocabulary& names) {
  std::vector<Line> lines;
  const std::string_view text = file.text();
  for (size_t at = 0, next; at < text.size(); at = next + 1) {
    next = std::min(text.find('\n', at), text.size());
    const size_t first = text.find_first_not_of(kBlank, at);
    if (first >= next) continue;
    if (next - at > 0xFFFFFFFF) fail(ErrorKind::kData, "{}:{}: a line of more than 4 GiB", file.path(), file.line_of(at));
    Line line{text.substr(at, next - at)};
    if (labelled) {
      const size_t end = std::min(text.find_first_of(" \t", first), next);
      const size_t begin = text.find_first_not_of(kBlank, end);
      if (begin >= next)
        fail(ErrorKind::kData, "{}:{}: label \"{}\" without a text; a line is a label, a space or tab, and a text", file.path(),
             file.line_of(at), text.substr(first, std::min<size_t>(end - first, 40)));
      line.label = names.insert(text.substr(first, end - first));
      line.text = text.substr(begin, next - begin);
    }
    lines.push_back(line);
  }
  if (lines.empty()) fail(ErrorKind::kData, "{}: no text", file.path());
  return lines;
}

// The labels of the training split.
std::vector<std::string> sort_labels(const std::vector<Line>& train, const Vocabulary& names) {
  std::vector<char> used(static_cast<size_t>(names.size()), 0);
  for (const Line& line : train) used[line.label] = 1;
  return sort_names(names, used);
}

// Counts tokens and what the limit cuts off, on all cores where there is much to count.
void measure(std::vector<Line>& lines, const Tokenizer& tokenizer, int64_t limit, CutReport& report) {
  constexpr int64_t kPart = 1 << 14;  // lines
  const int64_t parts = (std::ssize(lines) + kPart - 1) / kPart;
  std::vector<CutReport> cuts(static_cast<size_t>(parts));
  Workers workers(static_cast<int>(std::clamp<int64_t>(std::thread::hardware_concurrency(), 1, parts)));
  workers.run(parts, [&](int64_t part) {
    std::vector<Piece> pieces;
    for (int64_t i = part * kPart; i < std::min(std::ssize(lines), (part + 1) * kPart); ++i) {
      Line& line = lines[i];
      int64_t total = 0;
      for (size_t at = 0; at < line.text.size(); total += std::ssize(pieces)) {
        pieces.clear();
        tokenizer.encode_part(line.text, at, pieces);
      }
      line.tokens = static_cast<int32_t>(std::min(total, limit));
      cuts[part].sequences_cut += total > limit;
      cuts[part].tokens_cut += std::max<int64_t>(total - limit, 0);
    }
  });
  for (const CutReport& cut : cuts) report.sequences_cut += cut.sequences_cut, report.tokens_cut += cut.tokens_cut;
}

}  // namespace

Corpus load_line_corpus(const DataSettings& data, const TokenizerSettings& settings, const std::vector<TargetSettings>& targets,
                        uint64_t seed, Learned learned) {
  Corpus corpus;
  Vocabulary names;
  const bool labelled = data.kind == DataKind::kLabelledLines;
  const auto read = [&](const SplitSource& source, const std::string&) {
    std::vector<Line> lines;
    for (const std::string& file : expand_path(source.path)) {
      corpus.files.push_back(std::make_unique<TextFile>(file, data.encoding));
      const std::vector<Line> more = read_lines(*corpus.files.back(), labelled, names);
      lines.insert(lines.end(), more.begin(), more.end());
    }
    return lines;
  };
  Splits<Line> splits = read_splits<Line>(data, "lines", seed, read);

  corpus.tokenizer = std::move(learned.tokenizer);
  if (!corpus.tokenizer) {
    const auto builder = make_tokenizer_builder(settings);
    for (const Line& line : splits.train) builder->add(line.text);
    corpus.tokenizer = builder->build();
  }
  if (labelled) {
    corpus.labels = learned.labels.empty() ? sort_labels(splits.train, names) : std::move(learned.labels);
    const std::vector<int32_t> places = places_in(corpus.labels, names);
    for (auto* lines : splits.all())
      for (Line& line : *lines) line.label = places[line.label];
    if (asks_for(targets, TargetKind::kLabel) && corpus.labels.size() < 2)
      fail(ErrorKind::kData, "{}: every line has the label \"{}\"; a classifier needs at least two", data.train,
           corpus.labels[0]);
  }
  make_datasets(std::move(splits), corpus, [&](std::vector<Line> lines) {
    measure(lines, *corpus.tokenizer, token_limit(data, targets), corpus.cut);
    if (asks_for(targets, TargetKind::kLabel))
      corpus.cut.unknown_labels += std::count_if(lines.begin(), lines.end(), [](const Line& line) { return line.label < 0; });
    return std::make_unique<LineDataset>(std::move(lines), *corpus.tokenizer, token_limit(data, targets));
  });
  return corpus;
}

}  // namespace vitrine
