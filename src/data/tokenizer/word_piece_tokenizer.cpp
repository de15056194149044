#include <algorithm>
#include <array>

#include "data/tokenizer/bert_words.h"
#include "data/tokenizer/builders.h"
#include "data/tokenizer/hugging_face.h"
#include "data/tokenizer/merges.h"
#include "data/utf8.h"
#include "data/vocabulary.h"

namespace vitrine {
namespace {

constexpr std::string_view kInside = "##";  // in front of a piece that goes on inside a word

// A word as UTF-8, with room for "##" in front: it is written over what a piece has taken already, so that nothing is copied.
class WordBytes {
 public:
  explicit WordBytes(const BertWord& word) {
    size_t at = kInside.size();
    for (int i = 0; i < word.length; ++i) {
      ends_[static_cast<size_t>(i)] = static_cast<uint16_t>(at);
      at += write_utf8(bytes_.data() + at, word.codes[static_cast<size_t>(i)]);
    }
    ends_[static_cast<size_t>(word.length)] = static_cast<uint16_t>(at);
  }
  std::string_view all(int length) const {
    return {bytes_.data() + kInside.size(), ends_[static_cast<size_t>(length)] - kInside.size()};
  }
  void begin_piece(int first) {
    begin_ = ends_[static_cast<size_t>(first)];
    if (first > 0)
      begin_ -= kInside.size(), std::copy(kInside.begin(), kInside.end(), bytes_.begin() + static_cast<long>(begin_));
  }
  std::string_view piece_to(int last) const { return {bytes_.data() + begin_, ends_[static_cast<size_t>(last)] - begin_}; }

 private:
  std::array<char, kInside.size() + 4 * BertWord::kMost> bytes_;
  std::array<uint16_t, BertWord::kMost + 1> ends_;  // where character i begins
  size_t begin_ = 0;
};

class WordPieceTokenizer final : public Tokenizer {
 public:
  explicit WordPieceTokenizer(WordPieceModel model) : model_(std::move(model)) {
    for (std::string_view name : kSpecialNames) tokens_.insert(name);
    for (const std::string& token : model_.tokens) {
      tokens_.insert(token);
      longest_ = std::max(longest_, token.size());
    }
  }

  TokenizerKind kind() const override { return TokenizerKind::kWordPiece; }
  int64_t size() const override { return tokens_.size(); }
  std::string_view token(int32_t id) const override { return tokens_[id]; }
  int32_t find(std::string_view token) const override { return std::max(tokens_.find(token), kUnknown); }

  void encode_part(std::string_view text, size_t& at, std::vector<Piece>& out) const override {
    BertWord word;
    if (!next_bert_word(text, at, model_.rules, word)) return;
    const size_t first = out.size();
    if (word.length <= BertWord::kMost && cut(word, out)) return;
    out.resize(first);
    out.push_back({kUnknown, word.begin, word.end});
  }

  // Words are joined by one space, the pieces of a word by nothing.
  std::string decode(const std::vector<int32_t>& ids) const override {
    std::string text;
    for (const int32_t id : ids) {
      const std::string_view piece = token(id);
      const bool inside = piece.starts_with(kInside) && piece.size() > kInside.size();
      text.append(text.empty() || inside ? "" : " ").append(inside ? piece.substr(kInside.size()) : piece);
    }
    return text;
  }

  std::string to_json() const override { return word_piece_to_json(model_); }

 private:
  // The longest piece first, from left to right (Devlin et al. 2019, tokenization.py: WordpieceTokenizer); false where none fits.
  bool cut(const BertWord& word, std::vector<Piece>& out) const {
    WordBytes bytes(word);
    for (int from = 0, to; from < word.length; from = to) {
      bytes.begin_piece(from);
      int32_t id = -1;
      for (to = word.length; to > from; --to)
        if (const auto piece = bytes.piece_to(to); piece.size() <= longest_ && (id = tokens_.find(piece)) >= 0) break;
      if (id < 0) return false;
      const auto last = static_cast<size_t>(to - 1);
      out.push_back({id, word.begins[static_cast<size_t>(from)], to == word.length ? word.end : word.ends[last]});
    }
    return true;
  }

  WordPieceModel model_;
  Vocabulary tokens_;
  size_t longest_ = 0;  // bytes of a token
};

// Learns as byte_pair does, over characters: c at the beginning of a word and ##c inside are two.
class WordPieceBuilder final : public TokenizerBuilder {
 public:
  explicit WordPieceBuilder(const TokenizerSettings& settings) : settings_(settings) {}

  void add(std::string_view text) override {
    BertWord word;
    for (size_t at = 0; next_bert_word(text, at, rules(), word);) {
      if (word.length > BertWord::kMost) continue;
      words_.add(WordBytes(word).all(word.length));
    }
  }

  std::unique_ptr<Tokenizer> build() override {
    Vocabulary tokens = alphabet();
    MergeLearner learner;
    std::vector<int32_t> pieces;
    for (int32_t w = 0; w < words_.size(); ++w) {
      pieces.clear();
      for_each_character(words_.word(w), [&](const std::string& name) { pieces.push_back(tokens.find(name)); });
      if (std::find(pieces.begin(), pieces.end(), -1) == pieces.end()) learner.add(pieces, words_.count(w));
    }
    learner.learn(settings_.min_count, [&](int32_t left, int32_t right) {
      if (tokens.size() >= most()) return -1;
      return tokens.insert(std::string(tokens[left]).append(tokens[right].substr(kInside.size())));
    });
    WordPieceModel model{{}, rules()};
    for (int32_t i = 0; i < tokens.size(); ++i) model.tokens.emplace_back(tokens[i]);
    return make_word_piece_tokenizer(std::move(model));
  }

 private:
  BertRules rules() const { return {settings_.lowercase, settings_.strip_accents, settings_.nfc}; }
  int64_t most() const { return settings_.vocabulary_size - Tokenizer::kSpecialCount; }

  // f(name) of each character of a word, as a piece.
  template <class F>
  static void for_each_character(std::string_view word, F f) {
    for (size_t at = 0, bytes; at < word.size(); at += bytes) {
      bytes = decode_utf8(word, at).bytes;
      f(std::string(at == 0 ? "" : kInside).append(word.substr(at, bytes)));
    }
  }

  // The characters that stand min_count times in the text, as many as there is room for; a word with any other is [UNK].
  Vocabulary alphabet() const {
    CountedWords names;
    for (int32_t w = 0; w < words_.size(); ++w)
      for_each_character(words_.word(w), [&](const std::string& name) { names.add(name, words_.count(w)); });
    Vocabulary kept;
    for (const int32_t i : names.by_count())
      if (names.count(i) >= settings_.min_count && kept.size() < most()) kept.insert(names.word(i));
    return kept;
  }

  TokenizerSettings settings_;
  CountedWords words_;
};

}  // namespace

std::unique_ptr<Tokenizer> make_word_piece_tokenizer(WordPieceModel model) {
  return std::make_unique<WordPieceTokenizer>(std::move(model));
}

std::unique_ptr<TokenizerBuilder> make_word_piece_builder(const TokenizerSettings& settings) {
  return std::make_unique<WordPieceBuilder>(settings);
}

}  // namespace vitrine
