#include "data/summary.h"

#include <algorithm>
#include <cmath>

#include "base/hash.h"
#include "base/workers.h"
#include "data/vocabulary.h"

namespace vitrine {
namespace {

constexpr size_t kUnknownWords = 10, kExamples = 3;

// A text that has been seen, and with which label.
struct Seen {
  uint64_t hash;
  uint32_t sequence;
  int32_t label;
  bool operator<(const Seen& other) const { return hash != other.hash ? hash < other.hash : sequence < other.sequence; }
};

// Frequencies of strings.
struct Tally {
  Vocabulary words;
  std::vector<int64_t> counts;

  void add(std::string_view word, int64_t n = 1) {
    const auto i = static_cast<size_t>(words.insert(word));
    if (i == counts.size()) counts.push_back(0);
    counts[i] += n;
  }
  void add(const Tally& other) {
    for (int32_t i = 0; i < other.words.size(); ++i) add(other.words[i], other.counts[i]);
  }
  // The most frequent first, equal ones in the order of their bytes.
  Counts most_frequent(size_t n) const {
    Counts all;
    for (int32_t i = 0; i < words.size(); ++i) all.emplace_back(words[i], counts[i]);
    const auto before = [](const auto& a, const auto& b) {
      return a.second != b.second ? a.second > b.second : a.first < b.first;
    };
    n = std::min(n, all.size());
    std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n), all.end(), before);
    all.resize(n);
    return all;
  }
};

// One thread's share of a split.
struct Part {
  SplitSummary sums;
  std::vector<int64_t> unknown_tags;
  double sum = 0;
  Tally unknown;
  std::vector<Seen> seen;

  void add(const Example& e, const std::vector<std::string>& labels, int64_t i) {
    ++sums.sequences;
    sums.tokens += std::ssize(e.tokens);
    ++sums.lengths[e.tokens.size()];
    const bool has_text = !e.text.empty() && !e.pieces.empty();
    for (size_t t = 0; t < e.tokens.size(); ++t) {
      if (e.tokens[t] != Tokenizer::kUnknown) continue;
      ++sums.unknown;
      if (has_text) unknown.add(e.text.substr(e.pieces[t].begin, e.pieces[t].end - e.pieces[t].begin));
    }
    if (!labels.empty()) add_labels(e);
    for (const int32_t tag : e.tags) {
      if (tag >= 0) ++sums.tags[static_cast<size_t>(tag)];
      if (tag < kNoTag) ++unknown_tags[static_cast<size_t>(-2 - tag)];
    }
    if (std::isfinite(e.value)) {
      sums.least = sums.values == 0 ? e.value : std::min(sums.least, e.value);
      sums.greatest = sums.values == 0 ? e.value : std::max(sums.greatest, e.value);
      ++sums.values, sum += e.value;
    }
    seen.push_back({hash_bytes(key(e)), static_cast<uint32_t>(i), e.label});
  }

 private:
  void add_labels(const Example& e) {
    if (e.label >= 0) ++sums.labels[static_cast<size_t>(e.label)];
    for (const int32_t label : e.labels) label < 0 ? ++sums.unlabelled : ++sums.labels[static_cast<size_t>(label)];
    if (e.label < 0 && e.labels.empty()) ++sums.unlabelled;
  }

  static std::string_view key(const Example& e) {
    if (!e.text.empty() && !e.pieces.empty()) return e.text.substr(e.pieces[0].begin, e.pieces.back().end - e.pieces[0].begin);
    return {reinterpret_cast<const char*>(e.tokens.data()), e.tokens.size() * sizeof(int32_t)};
  }
};

void merge(SplitSummary& into, const SplitSummary& part) {
  const auto add = [](std::vector<int64_t>& a, const std::vector<int64_t>& b) {
    for (size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  };
  add(into.lengths, part.lengths), add(into.labels, part.labels), add(into.tags, part.tags);
  into.sequences += part.sequences, into.tokens += part.tokens, into.unknown += part.unknown;
  into.unlabelled += part.unlabelled;
  if (part.values > 0) {
    into.least = into.values == 0 ? part.least : std::min(into.least, part.least);
    into.greatest = into.values == 0 ? part.greatest : std::max(into.greatest, part.greatest);
    into.values += part.values;
  }
}

void measure_lengths(SplitSummary& s) {
  const auto first = std::find_if(s.lengths.begin(), s.lengths.end(), [](int64_t n) { return n > 0; });
  s.shortest = first - s.lengths.begin();
  int64_t before = 0;
  for (int64_t t = s.shortest; t < std::ssize(s.lengths); ++t) {
    if (s.lengths[t] == 0) continue;
    if (before * 2 < s.sequences) s.median = t;
    before += s.lengths[t];
    s.longest = t;
  }
}

void count_repeated(SplitSummary& s, const std::vector<Seen>& seen) {
  for (size_t i = 1, first = 0; i < seen.size(); ++i) {
    if (seen[i].hash != seen[first].hash) {
      first = i;
      continue;
    }
    ++s.repeated;
    s.contradicted += seen[i].label != seen[first].label;
  }
}

// In a fixed number of parts, so that no sum depends on threads.
SplitSummary summarize_split(const Corpus& corpus, const std::string& name, Workers& workers, std::vector<Seen>& seen) {
  constexpr int64_t kParts = 64;
  const Dataset& data = *corpus.split(name);
  SplitSummary out;
  out.name = name;
  out.lengths.resize(static_cast<size_t>(corpus.longest) + 1);
  out.labels.resize(corpus.labels.size()), out.tags.resize(corpus.tags.size());
  std::vector<Part> parts(kParts);
  workers.run(kParts, [&](int64_t p) {
    Part& part = parts[p];
    part.sums = out;
    part.unknown_tags.resize(corpus.unknown_tags.size());
    Example example;
    for (int64_t i = data.size() * p / kParts; i < data.size() * (p + 1) / kParts; ++i) {
      data.read(i, example);
      part.add(example, corpus.labels, i);
    }
  });
  Tally unknown;
  std::vector<int64_t> unknown_tags(corpus.unknown_tags.size());
  double sum = 0;
  seen.reserve(static_cast<size_t>(data.size()));
  for (Part& part : parts) {
    merge(out, part.sums);
    sum += part.sum;
    unknown.add(part.unknown);
    for (size_t t = 0; t < unknown_tags.size(); ++t) unknown_tags[t] += part.unknown_tags[t];
    seen.insert(seen.end(), part.seen.begin(), part.seen.end());
    part = {};
  }
  std::sort(seen.begin(), seen.end());
  out.unknown_words = unknown.most_frequent(kUnknownWords);
  for (size_t t = 0; t < unknown_tags.size(); ++t)
    if (unknown_tags[t] > 0) out.unknown_tags.emplace_back(corpus.unknown_tags[t], unknown_tags[t]);
  if (out.values > 0) out.mean = sum / static_cast<double>(out.values);
  measure_lengths(out);
  count_repeated(out, seen);
  return out;
}

std::string text_of(const Corpus& corpus, const Dataset& data, int64_t i) {
  Example e;
  data.read(i, e);
  if (e.text.empty() || e.pieces.empty()) return corpus.tokenizer->decode(e.tokens);
  return std::string(e.text.substr(e.pieces[0].begin, e.pieces.back().end - e.pieces[0].begin));
}

Leak find_leak(const Corpus& corpus, const std::string& split, const std::vector<Seen>& here, const std::string& in,
               const std::vector<Seen>& there) {
  Leak leak;
  leak.split = split, leak.in = in;
  std::vector<uint32_t> found;  // each text once
  for (size_t i = 0, j = 0; i < here.size(); ++i) {
    while (j < there.size() && there[j].hash < here[i].hash) ++j;
    if (j == there.size() || there[j].hash != here[i].hash) continue;
    ++leak.sequences;
    if (i == 0 || here[i - 1].hash != here[i].hash) found.push_back(here[i].sequence);
  }
  std::sort(found.begin(), found.end());
  for (size_t k = 0; k < std::min(found.size(), kExamples); ++k)
    leak.examples.push_back(text_of(corpus, *corpus.split(split), found[k]));
  return leak;
}

}  // namespace

CorpusSummary summarize(const Corpus& corpus, int threads) {
  Workers workers(threads);
  CorpusSummary out;
  std::vector<std::vector<Seen>> seen;
  for (const std::string name : {"train", "validation", "test"})
    if (corpus.split(name)) out.splits.push_back(summarize_split(corpus, name, workers, seen.emplace_back()));
  for (size_t here = 0; here < seen.size(); ++here)
    for (size_t there = 0; there < here; ++there) {
      Leak leak = find_leak(corpus, out.splits[here].name, seen[here], out.splits[there].name, seen[there]);
      if (leak.sequences > 0) out.leaks.push_back(std::move(leak));
    }
  return out;
}

}  // namespace vitrine
