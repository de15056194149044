#include <algorithm>
#include <array>

#include "data/tokenizer/builders.h"
#include "data/tokenizer/tokenizer_json.h"
#include "data/tokenizer/words.h"
#include "data/utf8.h"
#include "data/vocabulary.h"

namespace vitrine {
namespace {

class WordTokenizer final : public Tokenizer {
 public:
  WordTokenizer(Vocabulary vocabulary, bool lowercase) : vocabulary_(std::move(vocabulary)), lowercase_(lowercase) {}

  TokenizerKind kind() const override { return TokenizerKind::kWord; }
  int64_t size() const override { return vocabulary_.size(); }
  std::string_view token(int32_t id) const override { return vocabulary_[id]; }
  int32_t find(std::string_view token) const override { return std::max(vocabulary_.find(token), kUnknown); }

  void encode_part(std::string_view text, size_t& at, std::vector<Piece>& out) const override {
    size_t begin = 0;
    if (next_word(text, at, begin))
      out.push_back({look_up(text.substr(begin, at - begin)), static_cast<uint32_t>(begin), static_cast<uint32_t>(at)});
  }

  std::string decode(const std::vector<int32_t>& ids) const override {
    std::string text;
    for (int32_t id : ids) text.append(text.empty() ? "" : " ").append(token(id));
    return text;
  }

  std::string to_json() const override {
    std::vector<std::string> tokens;
    for (int32_t id = 0; id < vocabulary_.size(); ++id) tokens.emplace_back(vocabulary_[id]);
    return tokenizer_to_json(TokenizerKind::kWord, lowercase_, tokens);
  }

 private:
  int32_t look_up(std::string_view word) const {
    if (word.size() > kLongestWord) return kUnknown;
    if (!lowercase_) return find(word);
    std::array<char, kLongestWord> low;
    lower_case_utf8(word, low.data());
    return find({low.data(), word.size()});
  }

  Vocabulary vocabulary_;  // special tokens included
  bool lowercase_;
};

Vocabulary special_tokens() {
  Vocabulary vocabulary;
  for (std::string_view name : Tokenizer::kSpecialNames) vocabulary.insert(name);
  return vocabulary;
}

class WordBuilder final : public TokenizerBuilder {
 public:
  explicit WordBuilder(const TokenizerSettings& settings) : settings_(settings) {}

  void add(std::string_view text) override {
    std::array<char, kLongestWord> low;
    size_t at = 0, begin = 0;
    while (next_word(text, at, begin)) {
      std::string_view word = text.substr(begin, at - begin);
      if (word.size() > kLongestWord) continue;
      if (settings_.lowercase) lower_case_utf8(word, low.data()), word = {low.data(), word.size()};
      words_.add(word);
    }
  }

  std::unique_ptr<Tokenizer> build() override {
    Vocabulary kept = special_tokens();
    for (const int32_t i : words_.by_count()) {
      if (words_.count(i) < settings_.min_count) break;
      if (settings_.max_size > 0 && kept.size() - Tokenizer::kSpecialCount >= settings_.max_size) break;
      kept.insert(words_.word(i));
    }
    return std::make_unique<WordTokenizer>(std::move(kept), settings_.lowercase);
  }

 private:
  TokenizerSettings settings_;
  CountedWords words_;
};

}  // namespace

std::unique_ptr<TokenizerBuilder> make_word_builder(const TokenizerSettings& settings) {
  return std::make_unique<WordBuilder>(settings);
}

std::unique_ptr<Tokenizer> make_word_tokenizer(const std::vector<std::string>& words, bool lowercase) {
  Vocabulary vocabulary = special_tokens();
  for (const std::string& word : words) vocabulary.insert(word);
  return std::make_unique<WordTokenizer>(std::move(vocabulary), lowercase);
}

}  // namespace vitrine
