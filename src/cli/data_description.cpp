#include "cli/data_description.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/terminal.h"

namespace vitrine {
namespace {

using Json = nlohmann::ordered_json;
constexpr int64_t kBins = 10;
constexpr size_t kMostRows = 30, kMostUnknown = 5;
constexpr int kBar = 30, kNameWidth = 24;

// Lengths from `first` to `last`, both in it.
struct Bin {
  int64_t first, last;
};

// About kBins bins of a round width over all lengths of the corpus.
std::vector<Bin> bins_of(const CorpusSummary& summary) {
  int64_t shortest = summary.splits[0].shortest, longest = 0;
  for (const SplitSummary& s : summary.splits) shortest = std::min(shortest, s.shortest), longest = std::max(longest, s.longest);
  int64_t width = 1;
  for (int64_t k = 0; (longest - shortest) / width >= kBins; ++k)
    width = k % 3 == 1 ? width * 5 / 2 : width * 2;  // 1, 2, 5, 10, …
  std::vector<Bin> bins;
  for (int64_t first = shortest / width * width; first <= longest; first += width)
    bins.push_back({std::max(first, shortest), std::min(first + width - 1, longest)});
  return bins;
}

int64_t count_in(const SplitSummary& s, const Bin& bin) {
  int64_t n = 0;
  for (int64_t t = bin.first; t <= std::min<int64_t>(bin.last, std::ssize(s.lengths) - 1); ++t) n += s.lengths[t];
  return n;
}

std::string percent(int64_t part, int64_t whole) {
  return fmt::format("{:.1f} %", whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string bar(int64_t part, int64_t greatest) {
  std::string out;
  const int64_t cells = greatest == 0 ? 0 : (part * kBar + greatest - 1) / greatest;
  for (int64_t i = 0; i < cells; ++i) out += "█";
  return out;
}

std::string draw_splits(const CorpusSummary& summary) {
  std::string out = "split         sequences       tokens   shortest  median  longest    [UNK]   repeated\n";
  for (const SplitSummary& s : summary.splits)
    out += fmt::format("{} {:>12} {:>12} {:>10} {:>7} {:>8} {:>8} {:>10}\n", fit(s.name, 10), thousands(s.sequences),
                       thousands(s.tokens), s.shortest, s.median, s.longest, percent(s.unknown, s.tokens), thousands(s.repeated));
  return out + "repeated: sequences whose text stood in the same split before\n";
}

std::string draw_lengths(const CorpusSummary& summary) {
  std::string out = "\nlength      ";
  for (const SplitSummary& s : summary.splits) out += fmt::format(" {:>12}", s.name);
  out += "\n";
  const std::vector<Bin> bins = bins_of(summary);
  int64_t greatest = 0;
  for (const Bin& bin : bins) greatest = std::max(greatest, count_in(summary.splits[0], bin));
  for (const Bin& bin : bins) {
    out += fmt::format("{:>12}", bin.first == bin.last ? std::to_string(bin.first) : fmt::format("{} – {}", bin.first, bin.last));
    for (const SplitSummary& s : summary.splits) out += fmt::format(" {:>12}", thousands(count_in(s, bin)));
    out += "  " + bar(count_in(summary.splits[0], bin), greatest) + "\n";
  }
  return out;
}

// Counts of labels or tags in each split: the most frequent ones of training.
std::string draw_counts(const char* title, const std::vector<std::string>& names, const CorpusSummary& summary,
                        std::vector<int64_t> SplitSummary::*counts) {
  if (names.empty()) return {};
  std::vector<size_t> order(names.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  const std::vector<int64_t>& first = summary.splits[0].*counts;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return first[a] > first[b]; });
  std::string out = "\n" + fit(fmt::format("{} {}", names.size(), title), kNameWidth);
  for (const SplitSummary& s : summary.splits) out += fmt::format(" {:>12}", s.name);
  out += "\n";
  for (size_t i = 0; i < std::min(order.size(), kMostRows); ++i) {
    out += fit(printable(names[order[i]]), kNameWidth);
    for (const SplitSummary& s : summary.splits) out += fmt::format(" {:>12}", thousands((s.*counts)[order[i]]));
    out += "\n";
  }
  if (names.size() > kMostRows) out += fmt::format("(the other {} are in --json)\n", names.size() - kMostRows);
  return out;
}

std::string list_counts(const Counts& counts, size_t most) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < std::min(counts.size(), most); ++i)
    parts.push_back(fmt::format("{} {}", printable(counts[i].first), thousands(counts[i].second)));
  return fmt::format("{}{}", fmt::join(parts, ", "), counts.size() > most ? ", …" : "");
}

Json json_counts(const Counts& counts) {
  Json out = Json::object();
  for (const auto& [name, n] : counts) out[name] = n;
  return out;
}

Json json_counts(const std::vector<std::string>& names, const std::vector<int64_t>& counts) {
  Json out = Json::object();
  for (size_t i = 0; i < names.size(); ++i) out[names[i]] = counts[i];
  return out;
}

std::string kind_of(const Config& config) { return values_of(config).at("data.kind"); }

}  // namespace

std::string draw_description(const Config& config, const Corpus& corpus, const CorpusSummary& summary,
                             const TerminalStyle& style) {
  std::string out = toned(fmt::format("{} · {}: {} tokens in the vocabulary", config.run.name, kind_of(config),
                                      thousands(corpus.tokenizer->size())),
                          Tone::kBold, style) +
                    "\n\n" + draw_splits(summary) + draw_lengths(summary) +
                    draw_counts("labels", corpus.labels, summary, &SplitSummary::labels) +
                    draw_counts("tags", corpus.tags, summary, &SplitSummary::tags);
  for (const SplitSummary& s : summary.splits)
    if (s.values > 0)
      out += fmt::format("\nvalues of {}: {} from {:.6g} to {:.6g}, mean {:.6g}\n", s.name, thousands(s.values), s.least,
                         s.greatest, s.mean);
  out += "\n";
  for (const SplitSummary& s : summary.splits)
    if (!s.unknown_words.empty()) out += fmt::format("[UNK] in {}: {}\n", s.name, list_counts(s.unknown_words, kMostUnknown));
  const CutReport& cut = corpus.cut;
  out += cut.sequences_cut == 0 ? fmt::format("data.max_length {} cuts nothing\n", config.data.max_length)
                                : fmt::format("data.max_length {} cuts {} sequences: {} tokens left out\n",
                                              config.data.max_length, thousands(cut.sequences_cut), thousands(cut.tokens_cut));
  return out;
}

Json to_json(const Config& config, const Corpus& corpus, const CorpusSummary& summary) {
  Json out{{"kind", kind_of(config)},
           {"vocabulary", corpus.tokenizer->size()},
           {"max_length", config.data.max_length},
           {"cut", {{"sequences", corpus.cut.sequences_cut}, {"tokens", corpus.cut.tokens_cut}}},
           {"splits", Json::object()},
           {"leaks", Json::array()}};
  const std::vector<Bin> bins = bins_of(summary);
  for (const SplitSummary& s : summary.splits) {
    Json& split = out["splits"][s.name] = {
        {"sequences", s.sequences},
        {"tokens", s.tokens},
        {"length", {{"shortest", s.shortest}, {"median", s.median}, {"longest", s.longest}, {"histogram", Json::array()}}},
        {"unknown_tokens", s.unknown},
        {"unknown_words", json_counts(s.unknown_words)},
        {"repeated", s.repeated}};
    for (const Bin& bin : bins)
      split["length"]["histogram"].push_back({{"from", bin.first}, {"to", bin.last}, {"sequences", count_in(s, bin)}});
    if (!corpus.labels.empty()) {
      split["labels"] = json_counts(corpus.labels, s.labels);
      split["unknown_labels"] = s.unlabelled;
      split["contradicted"] = s.contradicted;
    }
    if (!corpus.tags.empty()) {
      split["tags"] = json_counts(corpus.tags, s.tags);
      split["unknown_tags"] = json_counts(s.unknown_tags);
    }
    if (s.values > 0) split["values"] = {{"number", s.values}, {"least", s.least}, {"mean", s.mean}, {"greatest", s.greatest}};
  }
  for (const Leak& leak : summary.leaks)
    out["leaks"].push_back({{"split", leak.split}, {"in", leak.in}, {"sequences", leak.sequences}, {"examples", leak.examples}});
  return out;
}

std::vector<std::string> warnings_of(const CorpusSummary& summary) {
  std::vector<std::string> all;
  for (const Leak& leak : summary.leaks) {
    const auto whole =
        std::find_if(summary.splits.begin(), summary.splits.end(), [&](const SplitSummary& s) { return s.name == leak.split; });
    std::vector<std::string> examples;
    for (const std::string& text : leak.examples) examples.push_back(fmt::format("\"{}\"", printable(text.substr(0, 200))));
    all.push_back(fmt::format("{} of the {} sequences of {} stand in {}, too: what is known by heart counts as right there; {}",
                              thousands(leak.sequences), thousands(whole->sequences), leak.split, leak.in,
                              fmt::join(examples, ", ")));
  }
  for (const SplitSummary& s : summary.splits) {
    if (s.contradicted > 0)
      all.push_back(fmt::format("{} sequences of {} stood there before with another label", thousands(s.contradicted), s.name));
    if (s.unlabelled > 0 && s.unlabelled < s.sequences)
      all.push_back(fmt::format("labels of {} that do not occur in the training split, and count as wrong: {}", s.name,
                                thousands(s.unlabelled)));
    if (!s.unknown_tags.empty())
      all.push_back(fmt::format("tags of {} that do not occur in the training split, and count as wrong: {}", s.name,
                                list_counts(s.unknown_tags, kMostUnknown)));
  }
  return all;
}

}  // namespace vitrine
