#include <algorithm>
#include <memory>
#include <numeric>
#include <set>
#include <utility>

#include "base/error.h"
#include "data/corpora.h"
#include "data/jsonl_file.h"
#include "data/splits.h"

namespace vitrine {
namespace {

struct StoredLink {
  Link link;                         // without its pair
  std::vector<int32_t> pair_tokens;  // at its sources
};

struct Sequence {
  std::vector<int32_t> tokens, tags;  // numbers of Names at first, then of the tokenizer and the tags
  int32_t label = -1;
  std::vector<StoredLink> links;
};

// Everything that has a name, in the order in which it comes.
struct Names {
  Vocabulary tokens, tags, labels, links;
};

class JsonlDataset final : public Dataset {
 public:
  JsonlDataset(std::vector<Sequence> sequences, int64_t limit) : sequences_(std::move(sequences)), limit_(limit) {}

  int64_t size() const override { return std::ssize(sequences_); }
  int64_t length(int64_t i) const override { return std::min(std::ssize(sequences_[i].tokens), limit_); }

  void read(int64_t i, Example& out, int64_t) const override {
    const Sequence& s = sequences_[i];
    out.clear();
    out.tokens.assign(s.tokens.begin(), s.tokens.begin() + length(i));
    if (!s.tags.empty()) out.tags.assign(s.tags.begin(), s.tags.begin() + length(i));
    out.label = s.label;
  }

  std::vector<Link> links(int64_t i) const override {
    const Sequence& s = sequences_[i];
    std::vector<Link> out;
    for (const StoredLink& stored : s.links) {
      Link& link = out.emplace_back(stored.link);
      link.pair.assign(s.tokens.begin(), s.tokens.begin() + length(i));
      for (size_t k = 0; k < link.sources.size(); ++k) link.pair[link.sources[k]] = stored.pair_tokens[k];
    }
    return out;
  }

  std::vector<int32_t> cut_tags(int64_t i) const override {
    const Sequence& s = sequences_[i];
    std::vector<int32_t> out;
    for (size_t t = static_cast<size_t>(length(i)); t < s.tags.size(); ++t)
      if (s.tags[t] != kNoTag) out.push_back(s.tags[t]);
    return out;
  }

 private:
  std::vector<Sequence> sequences_;
  int64_t limit_;
};

class Jsonl {
 public:
  Jsonl(const DataSettings& data, const std::vector<TargetSettings>& targets, Corpus& corpus)
      : corpus_(corpus),
        limit_(token_limit(data, targets)),
        tags_(asks_for(targets, TargetKind::kTags)),
        labels_(asks_for(targets, TargetKind::kLabel)) {}

  std::vector<Sequence> read(const std::string& path) {
    std::vector<Sequence> out;
    for (const std::string& name : expand_path(path)) {
      const TextFile file(name, Encoding::kUtf8);
      const std::string_view text = file.text();
      for (size_t at = 0, next; at < text.size(); at = next + 1) {
        next = std::min(text.find('\n', at), text.size());
        if (text.find_first_not_of(" \t\r", at) >= next) continue;
        const JsonlLine line = read_jsonl_line(file, at, text.substr(at, next - at));
        for (const auto& [asked, there, field] :
             {std::tuple{tags_, line.has_targets, "targets"}, {labels_, line.has_label, "label"}})
          if (asked && !there)
            fail(ErrorKind::kData, "{}:{}: `{}` is missing, which is to be learnt", name, file.line_of(at), field);
        out.push_back(number(line));
      }
    }
    if (out.empty()) fail(ErrorKind::kData, "{}: no text", path);
    return out;
  }

  // By falling count in the training split, as the tokenizer of a text orders its words.
  std::unique_ptr<Tokenizer> learn_tokens(const std::vector<Sequence>& train) const {
    std::vector<int64_t> counts(static_cast<size_t>(names_.tokens.size()), 0);
    for (const Sequence& s : train)
      for (const int32_t token : s.tokens) ++counts[token];
    std::vector<int32_t> order(counts.size());
    std::iota(order.begin(), order.end(), 0);
    std::erase_if(order, [&](int32_t token) { return counts[token] == 0 || is_special(names_.tokens[token]); });
    std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
      return counts[a] != counts[b] ? counts[a] > counts[b] : names_.tokens[a] < names_.tokens[b];
    });
    std::vector<std::string> words;
    for (const int32_t token : order) words.emplace_back(names_.tokens[token]);
    return make_word_tokenizer(words);
  }

  void learn_names(const std::vector<Sequence>& train, Learned& learned) {
    const auto names = [&](const Vocabulary& all, std::vector<std::string>& known, auto mark) {
      if (!known.empty()) return std::move(known);
      std::vector<char> used(static_cast<size_t>(all.size()), 0);
      for (const Sequence& s : train) mark(s, used);
      return sort_names(all, used);
    };
    corpus_.tags = names(names_.tags, learned.tags, [](const Sequence& s, std::vector<char>& used) {
      for (const int32_t tag : s.tags)
        if (tag >= 0) used[tag] = 1;
    });
    corpus_.labels = names(names_.labels, learned.labels, [](const Sequence& s, std::vector<char>& used) {
      if (s.label >= 0) used[s.label] = 1;
    });
    tag_places_ = places_in(corpus_.tags, names_.tags), label_places_ = places_in(corpus_.labels, names_.labels);
    std::vector<char> unknown(tag_places_.size());
    std::transform(tag_places_.begin(), tag_places_.end(), unknown.begin(), [](int32_t place) { return place < 0; });
    corpus_.unknown_tags = sort_names(names_.tags, unknown);
    const std::vector<int32_t> places = places_in(corpus_.unknown_tags, names_.tags);
    for (size_t i = 0; i < places.size(); ++i)
      if (places[i] >= 0) tag_places_[i] = unknown_tag(places[i]);
    for (int32_t i = 0; i < names_.tokens.size(); ++i)
      token_places_.push_back(is_special(names_.tokens[i]) ? Tokenizer::kUnknown : corpus_.tokenizer->find(names_.tokens[i]));
  }

  // From the numbers of Names to those that the model knows.
  void renumber(std::vector<Sequence>& sequences) {
    for (Sequence& s : sequences) {
      for (int32_t& token : s.tokens) token = token_places_[token];
      for (int32_t& tag : s.tags)
        if (tag >= 0) tag = tag_places_[tag], corpus_.cut.unknown_tags += tag < 0;
      if (s.label >= 0) s.label = label_places_[s.label], corpus_.cut.unknown_labels += labels_ && s.label < 0;
      const int64_t length = std::ssize(s.tokens);
      corpus_.cut.sequences_cut += length > limit_;
      corpus_.cut.tokens_cut += std::max<int64_t>(length - limit_, 0);
      const size_t before = s.links.size();
      std::erase_if(s.links, [&](StoredLink& stored) {
        Link& link = stored.link;
        link.value = tag_places_[link.value], link.pair_value = tag_places_[link.pair_value];
        for (int32_t& token : stored.pair_tokens) token = token_places_[token];
        return std::max(link.target, link.sources.back()) >= limit_ || link.value < 0 || link.pair_value < 0;
      });
      corpus_.cut.links_lost += static_cast<int64_t>(before - s.links.size());
    }
  }

  // The classes of the links that are left; values of each: the tags that are answers of one, in the order of the tags.
  void make_link_classes(Splits<Sequence>& splits) {
    std::vector<std::set<int32_t>> values(static_cast<size_t>(names_.links.size()));
    for_each_link(splits, [&](Link& link) { values[link.link_class].insert({link.value, link.pair_value}); });
    std::vector<char> used(values.size());
    std::transform(values.begin(), values.end(), used.begin(), [](const auto& set) { return !set.empty(); });
    const std::vector<std::string> sorted = sort_names(names_.links, used);
    const std::vector<int32_t> places = places_in(sorted, names_.links);
    for (const std::string& name : sorted) {
      LinkClass& link_class = corpus_.link_classes.emplace_back();
      link_class.name = name;
      for (const int32_t tag : values[names_.links.find(name)]) {
        link_class.values.push_back(corpus_.tags[tag]);
        link_class.tags.push_back({tag});
        const int32_t token = corpus_.tokenizer->find(corpus_.tags[tag]);
        link_class.tokens.emplace_back();
        if (token >= Tokenizer::kSpecialCount) link_class.tokens.back().push_back(token);
      }
    }
    for_each_link(splits, [&](Link& link) {
      const std::set<int32_t>& tags = values[link.link_class];
      const auto place = [&](int32_t tag) { return static_cast<int32_t>(std::distance(tags.begin(), tags.find(tag))); };
      link.value = place(link.value), link.pair_value = place(link.pair_value);
      link.link_class = places[link.link_class];
    });
  }

 private:
  static bool is_special(std::string_view name) {
    return std::find(std::begin(Tokenizer::kSpecialNames), std::end(Tokenizer::kSpecialNames), name) !=
           std::end(Tokenizer::kSpecialNames);
  }

  Sequence number(const JsonlLine& line) {
    Sequence s;
    for (const std::string& token : line.tokens) s.tokens.push_back(names_.tokens.insert(token));
    for (const std::string& tag : line.targets) s.tags.push_back(tag.empty() ? kNoTag : names_.tags.insert(tag));
    if (line.has_label) s.label = names_.labels.insert(line.label);
    for (const JsonlLink& from : line.links) {
      StoredLink& stored = s.links.emplace_back();
      Link& link = stored.link;
      link.link_class = names_.links.insert(from.name);
      link.target = from.target, link.sources = from.sources, link.attractor = from.attractor;
      link.value = s.tags[from.target], link.pair_value = names_.tags.insert(from.pair_target);
      for (const std::string& token : from.pair_tokens) stored.pair_tokens.push_back(names_.tokens.insert(token));
    }
    return s;
  }

  template <class F>
  static void for_each_link(Splits<Sequence>& splits, F f) {
    for (std::vector<Sequence>* split : splits.all())
      for (Sequence& s : *split)
        for (StoredLink& stored : s.links) f(stored.link);
  }

  Corpus& corpus_;
  int64_t limit_;
  bool tags_, labels_;  // asked for
  Names names_;
  std::vector<int32_t> token_places_, tag_places_, label_places_;  // of each of the names
};

}  // namespace

Corpus load_jsonl_corpus(const DataSettings& data, const std::vector<TargetSettings>& targets, uint64_t seed, Learned learned) {
  Corpus corpus;
  Jsonl jsonl(data, targets, corpus);
  const auto read = [&](const SplitSource& source, const std::string&) { return jsonl.read(source.path); };
  Splits<Sequence> splits = read_splits<Sequence>(data, "lines", seed, read);
  corpus.tokenizer = learned.tokenizer ? std::move(learned.tokenizer) : jsonl.learn_tokens(splits.train);
  jsonl.learn_names(splits.train, learned);
  for (auto* split : splits.all()) jsonl.renumber(*split);
  jsonl.make_link_classes(splits);
  make_datasets(std::move(splits), corpus, [&](std::vector<Sequence> split) {
    return std::make_unique<JsonlDataset>(std::move(split), token_limit(data, targets));
  });
  return corpus;
}

}  // namespace vitrine
