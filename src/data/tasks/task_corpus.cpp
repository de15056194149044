#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <tuple>

#include "base/check.h"
#include "base/error.h"
#include "data/corpora.h"
#include "data/tasks/task.h"

namespace vitrine {
namespace {

const std::vector<std::string> kDistractors = {",", ".", ":", ";"};

// A sequence in numbers of words; the distractors' come after those of the task.
struct Sequence {
  std::vector<int32_t> core, answers;  // without distractors
  std::vector<int32_t> words, places;  // with them; where the tokens of `core` stand
};

// Draws sequences: pure functions of (seed, split, i).
class Sequences {
 public:
  Sequences(const DataSettings& data, const Task& task, const RngKey& key) : data_(data), task_(task), key_(key) {}

  int64_t length(int64_t i) const {
    Draws draws(key_, i);
    return task_.size(draw_length(draws)) + data_.distractors;
  }
  // What comes after it of the random numbers of sequence i.
  Draws draw(int64_t i, Sequence& out) const {
    Draws draws(key_, i);
    out.core.clear(), out.words.clear(), out.places.clear();
    task_.draw(draws, draw_length(draws), out.core);
    task_.answer(out.core, out.answers);
    // Selection sampling (Knuth, The Art of Computer Programming 2, algorithm 3.4.2 S), as masking does.
    const auto size = std::ssize(out.core);
    for (int64_t left = size + data_.distractors; left > 0; --left) {
      const auto done = std::ssize(out.places);
      if (data_.distractors > 0 && draws.below(left) >= size - done) {
        out.words.push_back(static_cast<int32_t>(std::ssize(task_.words) + draws.below(std::ssize(kDistractors))));
      } else {
        out.places.push_back(static_cast<int32_t>(out.words.size()));
        out.words.push_back(out.core[static_cast<size_t>(done)]);
      }
    }
    return draws;
  }

 private:
  int64_t draw_length(Draws& draws) const { return data_.min_length + draws.below(data_.length - data_.min_length + 1); }

  const DataSettings& data_;
  const Task& task_;
  RngKey key_;
};

// What the three splits share.
struct TaskNames {
  DataSettings data;
  std::unique_ptr<Task> task;
  std::vector<std::string> words;  // of the task, then the distractors
  std::vector<int32_t> tokens;     // of each word
  std::vector<int32_t> classes;    // of each answer: its tag, or its label
  std::vector<int32_t> value_of;   // of each token: which answer it says; −1
};

class TaskDataset final : public Dataset {
 public:
  TaskDataset(std::shared_ptr<const TaskNames> names, int64_t size, const RngKey& key)
      : names_(std::move(names)), size_(size), sequences_(names_->data, *names_->task, key) {}

  int64_t size() const override { return size_; }
  int64_t length(int64_t i) const override { return sequences_.length(i); }

  void read(int64_t i, Example& out, int64_t) const override {
    thread_local Sequence s;
    sequences_.draw(i, s);
    out.clear();
    for (const int32_t w : s.words) out.tokens.push_back(names_->tokens[w]);
    if (names_->task->labels()) {
      out.label = names_->classes[s.answers[0]];
      return;
    }
    out.tags.assign(s.words.size(), kNoTag);
    for (size_t t = 0; t < s.places.size(); ++t)
      if (s.answers[t] >= 0) out.tags[s.places[t]] = names_->classes[s.answers[t]];
  }

  std::vector<Link> links(int64_t i) const override {
    const Task& task = *names_->task;
    std::vector<Link> out;
    Sequence s;
    Draws draws = sequences_.draw(i, s);
    std::vector<int32_t> changed;
    for (int32_t target = 0; !task.labels() && target < std::ssize(s.core); ++target) {
      if (s.answers[target] < 0) continue;
      const std::optional<Swap> swap = task.swap(s.core, target, draws);
      if (!swap || std::binary_search(swap->sources.begin(), swap->sources.end(), target)) continue;
      Link& link = out.emplace_back();
      std::vector<int32_t> pair = s.core;
      for (const int32_t w : s.words) link.pair.push_back(names_->tokens[w]);
      for (const int32_t source : swap->sources) {
        pair[source] = swap->word;
        link.sources.push_back(s.places[source]);
        link.pair[s.places[source]] = names_->tokens[swap->word];
      }
      task.answer(pair, changed);
      link.target = s.places[target];
      link.value = s.answers[target], link.pair_value = changed[target];
      check(link.value != link.pair_value, "a minimal pair has another answer");
      link.attractor = has_attractor(link, s.words);
    }
    return out;
  }

  double entropy(int64_t) const override { return 0; }

 private:
  bool has_attractor(const Link& link, const std::vector<int32_t>& words) const {
    auto nearest = static_cast<int32_t>(words.size());
    for (const int32_t source : link.sources) nearest = std::min(nearest, std::abs(source - link.target));
    for (int32_t t = 0; t < std::ssize(words); ++t) {
      const int32_t value = names_->value_of[names_->tokens[words[t]]];
      if (t != link.target && std::abs(t - link.target) < nearest && value >= 0 && value != link.value) return true;
    }
    return false;
  }

  std::shared_ptr<const TaskNames> names_;
  int64_t size_;
  Sequences sequences_;
};

// The words by falling count in the training split, as a tokenizer orders those of a file: so a run on the sequences that `data make`
// wrote is this run to the bit.
std::unique_ptr<Tokenizer> learn_words(const TaskNames& names, const Sequences& train, int64_t size) {
  std::vector<int64_t> counts(names.words.size());
  Sequence s;
  for (int64_t i = 0; i < size; ++i) {
    train.draw(i, s);
    for (const int32_t w : s.words) ++counts[w];
  }
  std::vector<size_t> order(counts.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return counts[a] != counts[b] ? counts[a] > counts[b] : names.words[a] < names.words[b]; });
  std::vector<std::string> words;
  for (const size_t w : order) words.push_back(names.words[w]);
  return make_word_tokenizer(words);
}

// The number of each of `words` among `known`.
std::vector<int32_t> numbers_in(const std::vector<std::string>& known, const std::vector<std::string>& words) {
  std::vector<int32_t> out;
  for (const std::string& word : words) {
    const auto at = std::find(known.begin(), known.end(), word);
    if (at == known.end())
      fail(ErrorKind::kData, "data.task: the answer '{}' is not among those that this run has learned", word);
    out.push_back(static_cast<int32_t>(at - known.begin()));
  }
  return out;
}

}  // namespace

Corpus load_task_corpus(const DataSettings& settings, const std::vector<TargetSettings>& targets, uint64_t seed,
                        Learned learned) {
  auto names = std::make_shared<TaskNames>();
  DataSettings& data = names->data = settings;
  for (const auto& [path, value, least] : {std::tuple{"vocabulary_size", data.vocabulary_size, 2},
                                           {"length", data.length, 1},
                                           {"queries", data.queries, 1},
                                           {"train_sentences", data.train_sentences, 1}})
    if (value < least) fail(ErrorKind::kConfig, "data.{}: expected at least {}, got {}", path, least, value);
  if (const auto mistake = task_mistake(data))
    fail(ErrorKind::kConfig, "{}: {} {}", mistake->key, mistake->message, mistake->other);
  if (data.min_length == 0) data.min_length = data.length;
  if (longest_of_task(data) > token_limit(data, targets))
    fail(ErrorKind::kConfig, "data.max_length: sequences of this task have up to {} tokens and cannot be cut",
         longest_of_task(data));
  names->task = make_task(data);
  const Task& task = *names->task;
  names->words = task.words;
  if (data.distractors > 0) names->words.insert(names->words.end(), kDistractors.begin(), kDistractors.end());

  const auto key = [&](uint32_t split) { return RngKey{seed}.of(Purpose::kTask, split); };
  Corpus corpus;
  corpus.tokenizer =
      learned.tokenizer ? std::move(learned.tokenizer) : learn_words(*names, Sequences(data, task, key(0)), data.train_sentences);
  for (const std::string& word : names->words) {
    names->tokens.push_back(corpus.tokenizer->find(word));
    if (names->tokens.back() < Tokenizer::kSpecialCount)
      fail(ErrorKind::kData, "data.task: the word '{}' is not in the tokenizer of this run", word);
  }
  std::vector<std::string>& classes = task.labels() ? corpus.labels : corpus.tags;
  classes = task.labels() ? std::move(learned.labels) : std::move(learned.tags);
  if (classes.empty()) classes = task.answers;
  names->classes = numbers_in(classes, task.answers);

  names->value_of.assign(static_cast<size_t>(corpus.tokenizer->size()), -1);
  LinkClass link{task.link, task.answers, {}, {}};
  for (size_t v = 0; v < task.answers.size(); ++v) {
    const int32_t token = corpus.tokenizer->find(task.answers[v]);
    link.tokens.emplace_back();
    if (token >= Tokenizer::kSpecialCount) link.tokens[v] = {token}, names->value_of[token] = static_cast<int32_t>(v);
    link.tags.push_back({names->classes[v]});
  }
  if (!task.link.empty()) corpus.link_classes = {std::move(link)};

  const auto make = [&](int64_t size, uint32_t split) -> std::unique_ptr<Dataset> {
    return size < 1 ? nullptr : std::make_unique<TaskDataset>(names, size, key(split));
  };
  corpus.train = make(data.train_sentences, 0);
  corpus.validation = make(data.validation_sentences, 1);
  corpus.test = make(data.test_sentences, 2);
  return corpus;
}

}  // namespace vitrine
