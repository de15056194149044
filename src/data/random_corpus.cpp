#include <algorithm>
#include <string>

#include "base/error.h"
#include "base/rng.h"
#include "data/corpora.h"

namespace vitrine {
namespace {

// Token t of sequence i is uniform over all but the special ones, labels and tags are uniform, a number is normal: pure functions of
// (seed, split, i, t).
class RandomDataset final : public Dataset {
 public:
  RandomDataset(int64_t size, int64_t length, const DataSettings& data, uint64_t seed, uint32_t split)
      : size_(size),
        length_(length),
        words_(static_cast<uint32_t>(data.vocabulary_size - Tokenizer::kSpecialCount)),
        classes_(static_cast<uint32_t>(data.classes)),
        tags_(static_cast<uint32_t>(data.tags)),
        rng_(RngKey{seed}.of(Purpose::kRandomTokens, split)) {}

  int64_t size() const override { return size_; }
  int64_t length(int64_t) const override { return length_; }

  void read(int64_t i, Example& out, int64_t) const override {
    out.clear();
    const auto row = static_cast<uint32_t>(i), length = static_cast<uint32_t>(length_);
    const auto draw = [&](uint32_t t) { return Tokenizer::kSpecialCount + static_cast<int32_t>(rng_.below(words_, row, t)); };
    for (uint32_t t = 0; t < length; ++t) out.tokens.push_back(draw(t));
    out.next = draw(length);
    uint32_t column = length + 1;
    if (classes_ > 0) out.label = static_cast<int32_t>(rng_.below(classes_, row, column));
    out.value = rng_.normal(row, ++column);
    for (uint32_t c = 0; c < classes_; ++c)
      if (rng_.below(2, row, ++column) == 1) out.labels.push_back(static_cast<int32_t>(c));
    for (uint32_t t = 0; tags_ > 0 && t < length; ++t) out.tags.push_back(static_cast<int32_t>(rng_.below(tags_, row, ++column)));
  }

 private:
  int64_t size_, length_;
  uint32_t words_, classes_, tags_;
  RngKey rng_;
};

}  // namespace

Corpus load_random_corpus(const DataSettings& data, const std::vector<TargetSettings>& targets, uint64_t seed) {
  if (data.vocabulary_size <= Tokenizer::kSpecialCount)
    fail(ErrorKind::kConfig, "data.vocabulary_size: {} is not more than the {} special tokens", data.vocabulary_size,
         int{Tokenizer::kSpecialCount});
  if (data.length < 1) fail(ErrorKind::kConfig, "data.length: expected at least 1, got {}", data.length);
  if (data.train_sentences < 1)
    fail(ErrorKind::kConfig, "data.train_sentences: expected at least 1, got {}", data.train_sentences);
  Corpus corpus;
  std::vector<std::string> words;
  for (int64_t id = Tokenizer::kSpecialCount; id < data.vocabulary_size; ++id) words.push_back(fmt::format("t{}", id));
  corpus.tokenizer = make_word_tokenizer(words);
  for (int64_t c = 0; c < data.classes; ++c) corpus.labels.push_back(std::to_string(c));
  for (int64_t c = 0; c < data.tags; ++c) corpus.tags.push_back(std::to_string(c));

  const int64_t length = std::min(data.length, token_limit(data, targets));
  const auto make = [&](int64_t size, uint32_t split) -> std::unique_ptr<Dataset> {
    if (size < 1) return nullptr;
    corpus.cut.sequences_cut += length < data.length ? size : 0;
    corpus.cut.tokens_cut += (data.length - length) * size;
    return std::make_unique<RandomDataset>(size, length, data, seed, split);
  };
  corpus.train = make(data.train_sentences, 0);
  corpus.validation = make(data.validation_sentences, 1);
  corpus.test = make(data.test_sentences, 2);
  return corpus;
}

}  // namespace vitrine
