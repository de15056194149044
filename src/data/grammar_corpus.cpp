#include <cmath>
#include <utility>

#include "base/error.h"
#include "data/corpora.h"
#include "data/grammar.h"
#include "data/grammar_links.h"

namespace vitrine {
namespace {

// What the three splits share.
struct GrammarTask {
  GrammarTask(Grammar g, int64_t length, std::vector<int32_t> token_ids)
      : grammar(std::move(g)),
        max_length(std::min(length, grammar.longest)),
        tokens(std::move(token_ids)),
        sampler(grammar, max_length),
        whole(grammar, grammar.longest),
        enumerator(grammar, max_length),
        links(grammar, enumerator, tokens) {}
  GrammarTask(const GrammarTask&) = delete;

  const Grammar grammar;
  const int64_t max_length;
  const std::vector<int32_t> tokens;  // of each word
  const GrammarSampler sampler, whole;
  const GrammarEnumerator enumerator;
  const GrammarLinks links;
};

constexpr uint32_t kPair = 0xFFFFFFFF;  // column of the number that chooses the minimal pair

class GrammarDataset final : public Dataset {
 public:
  GrammarDataset(std::shared_ptr<const GrammarTask> task, int64_t size, uint64_t seed, uint32_t split)
      : task_(std::move(task)), size_(size), key_(RngKey{seed}.of(Purpose::kGrammar, split)) {}

  int64_t size() const override { return size_; }
  int64_t length(int64_t i) const override { return std::min(whole_length(i), task_->max_length); }
  int64_t whole_length(int64_t i) const {
    return std::ssize(task_->grammar.templates[task_->sampler.form(key_, static_cast<uint32_t>(i))].slots);
  }

  void read(int64_t i, Example& out, int64_t) const override {
    thread_local Sentence sentence;
    task_->sampler.sample(key_, static_cast<uint32_t>(i), sentence);
    out.clear();
    for (const int32_t w : sentence.words) out.tokens.push_back(task_->tokens[w]);
    out.masked = sentence.hidden;
  }

  std::vector<Link> links(int64_t i) const override {
    bool lost = false;
    const std::optional<Link> link = find(i, lost);
    return link ? std::vector<Link>{*link} : std::vector<Link>{};
  }
  std::optional<Link> find(int64_t i, bool& lost) const {
    const auto row = static_cast<uint32_t>(i);
    Sentence cut, whole;
    task_->sampler.sample(key_, row, cut);
    task_->whole.sample(key_, row, whole);
    whole.hidden = cut.hidden;
    return task_->links.find(whole, task_->max_length, key_.uniform(row, kPair), lost);
  }

  double entropy(int64_t i) const override {
    thread_local Sentence sentence;
    thread_local std::vector<double> p;
    task_->sampler.sample(key_, static_cast<uint32_t>(i), sentence);
    const int32_t hidden = std::exchange(sentence.words[sentence.hidden], GrammarEnumerator::kOpen);
    task_->enumerator.joint(sentence.words, sentence.hidden, p);
    double sum = 0;
    for (const double x : p) sum += x;
    return std::log(sum / p[hidden]);
  }

 private:
  std::shared_ptr<const GrammarTask> task_;
  int64_t size_;
  RngKey key_;
};

// The token of each word; every word of the grammar must be one token.
std::vector<int32_t> word_tokens(const Grammar& grammar, const Tokenizer& tokenizer, const std::string& path) {
  std::vector<int32_t> out;
  std::vector<Piece> pieces;
  for (const std::string& word : grammar.words) {
    pieces.clear();
    tokenizer.encode(word, pieces);
    if (pieces.size() != 1 || tokenizer.token(pieces[0].id) != word)
      fail(ErrorKind::kData, "{}: the word '{}' is {}", path, word,
           pieces.size() == 1 ? "not in the tokenizer of this run" : "not one word for the tokenizer");
    out.push_back(pieces[0].id);
  }
  return out;
}

}  // namespace

Corpus load_grammar_corpus(const DataSettings& data, const std::vector<TargetSettings>& targets, uint64_t seed, Learned learned) {
  if (data.grammar.empty()) fail(ErrorKind::kConfig, "data.grammar: expected the path of a grammar file");
  if (data.train_sentences < 1)
    fail(ErrorKind::kConfig, "data.train_sentences: expected at least 1, got {}", data.train_sentences);
  if (token_limit(data, targets) < 1) fail(ErrorKind::kConfig, "data.max_length: {} leaves no room for a token", data.max_length);
  Grammar grammar = read_grammar(data.grammar);
  Corpus corpus;
  corpus.tokenizer = learned.tokenizer ? std::move(learned.tokenizer) : make_word_tokenizer(grammar.words);
  std::vector<int32_t> tokens = word_tokens(grammar, *corpus.tokenizer, data.grammar);
  const auto task = std::make_shared<const GrammarTask>(std::move(grammar), token_limit(data, targets), std::move(tokens));
  corpus.link_classes = task->links.classes();

  const bool cuts = task->max_length < task->grammar.longest;
  const auto make = [&](int64_t size, uint32_t split) -> std::unique_ptr<Dataset> {
    if (size < 1) return nullptr;
    auto out = std::make_unique<GrammarDataset>(task, size, seed, split);
    for (int64_t i = 0; cuts && i < size; ++i) {
      const int64_t lost_tokens = out->whole_length(i) - out->length(i);
      if (lost_tokens == 0) continue;
      bool lost_link = false;
      out->find(i, lost_link);
      ++corpus.cut.sequences_cut;
      corpus.cut.tokens_cut += lost_tokens;
      corpus.cut.links_lost += lost_link;
    }
    return out;
  };
  corpus.train = make(data.train_sentences, 0);
  corpus.validation = make(data.validation_sentences, 1);
  corpus.test = make(data.test_sentences, 2);
  return corpus;
}

}  // namespace vitrine
