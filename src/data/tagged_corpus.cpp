#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "base/error.h"
#include "data/corpora.h"
#include "data/splits.h"
#include "data/tagged_file.h"

namespace vitrine {
namespace {

struct Sentence {
  TaggedSentence text;  // into the files
  int32_t label = -1;
  int32_t tokens = 0;  // after the cut
};

// What the three splits share.
struct TagTable {
  Vocabulary names;              // of all splits
  std::vector<int32_t> numbers;  // of each: as in Example::tags
  int32_t number(std::string_view tag) const { return numbers[names.find(tag)]; }
};

// The words of a sentence, and their text with one space between them.
struct Words {
  std::vector<TaggedWord> words;
  std::vector<size_t> begins;  // of each word, in the text
  std::string text;

  void read(const TaggedSentence& sentence) {
    sentence.read(words);
    text.clear(), begins.clear();
    for (const TaggedWord& word : words) {
      if (!text.empty()) text += ' ';
      begins.push_back(text.size());
      text += word.word;
    }
  }
};

// Reads a sentence and sets its pieces and the first piece of each word. A word of which the tokenizer makes nothing is [UNK].
void encode(const TaggedSentence& sentence, const Tokenizer& tokenizer, Words& words, std::vector<Piece>& pieces,
            std::vector<size_t>& firsts) {
  words.read(sentence);
  pieces.clear(), firsts.clear();
  const std::string_view text = words.text;
  for (size_t w = 0, end = 0, before; w < words.words.size(); ++w) {
    before = end, end = words.begins[w] + words.words[w].word.size();
    size_t first = pieces.size();
    tokenizer.encode(text.substr(before, end - before), pieces);
    for (size_t p = first; p < pieces.size(); ++p) {
      pieces[p].begin += static_cast<uint32_t>(before);
      pieces[p].end += static_cast<uint32_t>(before);
    }
    while (first < pieces.size() && pieces[first].end <= words.begins[w]) ++first;  // the space before it
    if (first == pieces.size())
      pieces.push_back({Tokenizer::kUnknown, static_cast<uint32_t>(words.begins[w]), static_cast<uint32_t>(end)});
    firsts.push_back(first);
  }
}

class TaggedDataset final : public Dataset {
 public:
  TaggedDataset(std::vector<Sentence> sentences, std::shared_ptr<const TagTable> tags, const Tokenizer& tokenizer, int64_t limit)
      : sentences_(std::move(sentences)), tags_(std::move(tags)), tokenizer_(tokenizer), limit_(static_cast<size_t>(limit)) {}

  int64_t size() const override { return std::ssize(sentences_); }
  int64_t length(int64_t i) const override { return sentences_[i].tokens; }

  void read(int64_t i, Example& out, int64_t) const override {
    thread_local Words words;
    thread_local std::vector<size_t> firsts;
    out.clear();
    encode(sentences_[i].text, tokenizer_, words, out.pieces, firsts);
    out.text = words.text;
    if (out.pieces.size() > limit_) out.pieces.resize(limit_);
    for (const Piece& piece : out.pieces) out.tokens.push_back(piece.id);
    out.tags.assign(out.tokens.size(), kNoTag);
    for (size_t w = 0; w < firsts.size() && firsts[w] < limit_; ++w) out.tags[firsts[w]] = tags_->number(words.words[w].tag);
    out.label = sentences_[i].label;
  }

  std::vector<int32_t> cut_tags(int64_t i) const override {
    std::vector<int32_t> cut;
    if (static_cast<size_t>(sentences_[i].tokens) < limit_) return cut;
    Words words;
    std::vector<Piece> pieces;
    std::vector<size_t> firsts;
    encode(sentences_[i].text, tokenizer_, words, pieces, firsts);
    for (size_t w = 0; w < firsts.size(); ++w)
      if (firsts[w] >= limit_) cut.push_back(tags_->number(words.words[w].tag));
    return cut;
  }

 private:
  std::vector<Sentence> sentences_;
  std::shared_ptr<const TagTable> tags_;
  const Tokenizer& tokenizer_;
  size_t limit_;
};

using Sentences = std::vector<Sentence>;

// As many files as there are files of words; none where no path is given.
std::vector<std::string> files_beside(const std::string& path, const std::string& key, const std::vector<std::string>& words) {
  if (path.empty()) return {};
  std::vector<std::string> files = expand_path(path);
  if (files.size() != words.size())
    fail(ErrorKind::kData, "{}: {} file{} beside {} of tokens; they are paired in the order of their names", key, files.size(),
         files.size() == 1 ? "" : "s", words.size());
  return files;
}

// Reads the files of a split, and numbers labels as they come.
struct Reader {
  const DataSettings& data;
  std::vector<std::unique_ptr<TextFile>>& files;
  Vocabulary& labels;

  Sentences open(const SplitSource& source, const std::string& key) {
    Sentences out;
    const std::vector<std::string> paths = expand_path(source.path),
                                   tags = files_beside(source.beside.tags, key + ".tags", paths),
                                   labelled = files_beside(source.beside.labels, key + ".labels", paths);
    for (size_t i = 0; i < paths.size(); ++i) {
      const TextFile& file = add(paths[i]);
      const auto sentences = tags.empty() ? read_columns(file, data.token_column, data.tag_column)
                                          : read_parallel(file, add(tags[i]), labelled.empty() ? nullptr : &add(labelled[i]));
      for (const TaggedSentence& s : sentences) out.push_back({s, s.label.empty() ? -1 : labels.insert(s.label)});
    }
    return out;
  }
  const TextFile& add(const std::string& path) { return *files.emplace_back(std::make_unique<TextFile>(path, data.encoding)); }
};

template <class F>  // f(word, the one before, null: the first)
void for_each_word(const Sentences& sentences, const F& f) {
  std::vector<TaggedWord> words;
  for (const Sentence& s : sentences) {
    s.text.read(words);
    for (size_t w = 0; w < words.size(); ++w) f(words[w], w == 0 ? nullptr : &words[w - 1]);
  }
}

// "train.txt:7"
std::string place_of(std::string_view part, const std::vector<std::unique_ptr<TextFile>>& files) {
  for (const auto& file : files)
    if (file->holds(part.data()))
      return fmt::format("{}:{}", file->path(), file->line_of(static_cast<size_t>(part.data() - file->text().data())));
  return {};
}

// Numbers every tag: the classes of training, or of an earlier run, and those that only other splits have.
std::shared_ptr<const TagTable> number_tags(Splits<Sentence>& splits, Corpus& corpus) {
  auto table = std::make_shared<TagTable>();
  std::vector<int64_t> counts;
  std::vector<char> trained;
  for (const Sentences* split : splits.all()) {
    for_each_word(*split, [&](const TaggedWord& word, const TaggedWord* before) {
      const auto number = static_cast<size_t>(table->names.insert(word.tag));
      if (number == counts.size()) counts.push_back(0);
      ++counts[number];
      if (!word.tag.starts_with("I-")) return;
      const std::string_view inside = word.tag.substr(1), last = before ? before->tag : std::string_view();
      if ((last.starts_with("B-") || last.starts_with("I-")) && last.substr(1) == inside) return;
      if (corpus.cut.loose_tags++ == 0) corpus.cut.first_loose_tag = place_of(word.tag, corpus.files);
    });
    if (split == &splits.train) trained.assign(counts.size(), 1);
  }
  trained.resize(counts.size(), 0);
  if (corpus.tags.empty()) corpus.tags = sort_names(table->names, trained);
  table->numbers = places_in(corpus.tags, table->names);
  std::vector<char> unknown(counts.size());
  for (size_t t = 0; t < counts.size(); ++t) unknown[t] = table->numbers[t] < 0;
  corpus.unknown_tags = sort_names(table->names, unknown);
  const std::vector<int32_t> places = places_in(corpus.unknown_tags, table->names);
  for (size_t t = 0; t < counts.size(); ++t)
    if (unknown[t]) table->numbers[t] = unknown_tag(places[t]), corpus.cut.unknown_tags += counts[t];
  return table;
}

void number_labels(Splits<Sentence>& splits, const Vocabulary& names, Corpus& corpus) {
  if (corpus.labels.empty()) {
    std::vector<char> used(static_cast<size_t>(names.size()), 0);
    for (const Sentence& s : splits.train)
      if (s.label >= 0) used[s.label] = 1;
    corpus.labels = sort_names(names, used);
  }
  const std::vector<int32_t> places = places_in(corpus.labels, names);
  for (Sentences* split : splits.all())
    for (Sentence& s : *split)
      if (s.label >= 0) s.label = places[s.label];
}

// Counts tokens and what the limit cuts off.
void measure(Sentences& sentences, const Tokenizer& tokenizer, int64_t limit, CutReport& report) {
  Words words;
  std::vector<Piece> pieces;
  std::vector<size_t> firsts;
  for (Sentence& s : sentences) {
    encode(s.text, tokenizer, words, pieces, firsts);
    s.tokens = static_cast<int32_t>(std::min(std::ssize(pieces), limit));
    report.sequences_cut += std::ssize(pieces) > limit;
    report.tokens_cut += std::max<int64_t>(std::ssize(pieces) - limit, 0);
  }
}

std::unique_ptr<Tokenizer> learn_words(const TokenizerSettings& settings, const Sentences& train) {
  const auto builder = make_tokenizer_builder(settings);
  Words words;
  for (const Sentence& s : train) words.read(s.text), builder->add(words.text);
  return builder->build();
}

}  // namespace

Corpus load_tagged_corpus(const DataSettings& data, const TokenizerSettings& settings, const std::vector<TargetSettings>& targets,
                          uint64_t seed, Learned learned) {
  Corpus corpus;
  Vocabulary labels;
  Reader reader{data, corpus.files, labels};
  const auto read = [&](const SplitSource& source, const std::string& key) { return reader.open(source, key); };
  Splits<Sentence> splits = read_splits<Sentence>(data, "sentences", seed, read);

  corpus.tokenizer = learned.tokenizer ? std::move(learned.tokenizer) : learn_words(settings, splits.train);
  corpus.tags = std::move(learned.tags), corpus.labels = std::move(learned.labels);
  const auto tags = number_tags(splits, corpus);
  number_labels(splits, labels, corpus);
  make_datasets(std::move(splits), corpus, [&](Sentences sentences) {
    measure(sentences, *corpus.tokenizer, token_limit(data, targets), corpus.cut);
    if (asks_for(targets, TargetKind::kLabel))
      corpus.cut.unknown_labels +=
          std::count_if(sentences.begin(), sentences.end(), [](const Sentence& s) { return s.label < 0; });
    return std::make_unique<TaggedDataset>(std::move(sentences), tags, *corpus.tokenizer, token_limit(data, targets));
  });
  return corpus;
}

}  // namespace vitrine
