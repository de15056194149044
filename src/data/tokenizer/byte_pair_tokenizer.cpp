#include <algorithm>
#include <array>

#include "base/check.h"
#include "data/tokenizer/builders.h"
#include "data/tokenizer/byte_alphabet.h"
#include "data/tokenizer/hugging_face.h"
#include "data/tokenizer/merge_table.h"
#include "data/tokenizer/pretokens.h"
#include "data/vocabulary.h"

namespace vitrine {
namespace {

// Merges, in the order in which they were learned, over the bytes of one pre-token.
class PieceMerger {
 public:
  PieceMerger(const MergeTable& table, const std::array<int32_t, 256>& byte_ids, std::string_view word)
      : table_(table), size_(static_cast<int>(word.size())) {
    check(word.size() <= kLongestPretoken, "a pre-token has at most kLongestPretoken bytes");
    for (int i = 0; i < size_; ++i)
      pieces_[i] = {byte_ids[static_cast<uint8_t>(word[i])], static_cast<int16_t>(i - 1), static_cast<int16_t>(i + 1)};
    for (int i = 0; i + 1 < size_; ++i) propose(i);
    while (count_ > 0) join_next();
  }

  void append_to(std::vector<Piece>& out, uint32_t begin) const {
    for (int i = 0; i < size_; i = pieces_[i].next)
      out.push_back({pieces_[i].id, begin + static_cast<uint32_t>(i), begin + static_cast<uint32_t>(pieces_[i].next)});
  }

 private:
  static constexpr int kMost = static_cast<int>(kLongestPretoken);
  struct Part {  // it begins at the byte that is its number
    int32_t id;  // −1: joined to the part before it
    int16_t previous, next;
  };
  struct Candidate {  // the parts at `at` and behind it, if they are still these two
    int32_t rank, at, left, right, result;
    bool operator<(const Candidate& other) const { return rank != other.rank ? rank > other.rank : at > other.at; }
  };

  void propose(int at) {
    const int32_t left = pieces_[at].id, right = pieces_[pieces_[at].next].id;
    const MergeTable::Join join = table_.find(left, right);
    if (join.rank < 0) return;
    heap_[count_++] = {join.rank, at, left, right, join.result};
    std::push_heap(heap_.begin(), heap_.begin() + count_);
  }

  void join_next() {
    std::pop_heap(heap_.begin(), heap_.begin() + count_);
    const Candidate best = heap_[--count_];
    Part& left = pieces_[best.at];
    if (left.id != best.left || left.next >= size_ || pieces_[left.next].id != best.right) return;
    Part& right = pieces_[left.next];
    left.id = best.result;
    left.next = right.next;
    right.id = -1;
    if (left.next < size_) pieces_[left.next].previous = static_cast<int16_t>(best.at), propose(best.at);
    if (left.previous >= 0) propose(left.previous);
  }

  const MergeTable& table_;
  int size_, count_ = 0;
  std::array<Part, kMost> pieces_;
  std::array<Candidate, 3 * kMost> heap_;  // a neighbourhood each at first, and two for each merge
};

class BytePairTokenizer final : public Tokenizer {
 public:
  explicit BytePairTokenizer(BytePairModel model) : model_(std::move(model)), table_(model_.merges) {
    for (std::string_view name : kSpecialNames) names_.insert(name);
    for (const std::string& token : model_.tokens) bytes_.insert(token), names_.insert(bytes_to_characters(token));
    for (int b = 0; b < 256; ++b) byte_ids_[b] = id_of(std::string(1, static_cast<char>(b)));
    std::vector<Piece> pieces;
    for (const std::string& token : model_.tokens) {
      pieces.clear();
      if (token.size() <= kLongestPretoken) PieceMerger(table_, byte_ids_, token).append_to(pieces, 0);
      whole_.push_back(pieces.size() == 1);
    }
  }

  TokenizerKind kind() const override { return TokenizerKind::kBytePair; }
  int64_t size() const override { return names_.size(); }
  std::string_view token(int32_t id) const override { return names_[id]; }
  int32_t find(std::string_view token) const override { return std::max(names_.find(token), kUnknown); }
  bool mask_takes_space() const override { return model_.mask_takes_space; }

  void encode_part(std::string_view text, size_t& at, std::vector<Piece>& out) const override {
    const size_t begin = at;
    at = pretoken_end(text, at);
    const std::string_view word = text.substr(begin, at - begin);
    const int32_t known = bytes_.find(word);
    if (known >= 0 && whole_[static_cast<size_t>(known)])
      out.push_back({known + kSpecialCount, static_cast<uint32_t>(begin), static_cast<uint32_t>(at)});
    else
      PieceMerger(table_, byte_ids_, word).append_to(out, static_cast<uint32_t>(begin));
  }

  // The bytes of the text, which need not be valid UTF-8.
  std::string decode(const std::vector<int32_t>& ids) const override {
    std::string text;
    for (const int32_t id : ids) text.append(id < kSpecialCount ? token(id) : bytes_[id - kSpecialCount]);
    return text;
  }

  std::string to_json() const override { return byte_pair_to_json(model_); }

 private:
  int32_t id_of(const std::string& bytes) const {
    const int32_t found = bytes_.find(bytes);
    check(found >= 0, "every byte is a token");
    return found + kSpecialCount;
  }

  BytePairModel model_;
  MergeTable table_;
  Vocabulary bytes_, names_;           // tokens as bytes, without the special ones; as characters, with them
  std::array<int32_t, 256> byte_ids_;  // the token of a byte
  std::vector<char> whole_;            // whether the merges make a token of its own bytes; most words are found at once
};

class BytePairBuilder final : public TokenizerBuilder {
 public:
  explicit BytePairBuilder(const TokenizerSettings& settings) : settings_(settings) {}

  void add(std::string_view text) override {
    for (size_t at = 0, end; at < text.size(); at = end) {
      end = pretoken_end(text, at);
      words_.add(text.substr(at, end - at));
    }
  }

  std::unique_ptr<Tokenizer> build() override {
    BytePairModel model;
    Vocabulary tokens;
    std::array<int32_t, 256> byte_ids;
    for (int b = 0; b < 256; ++b) byte_ids[b] = rank_of_byte(static_cast<uint8_t>(b)) + Tokenizer::kSpecialCount;
    model.tokens.resize(256);
    for (int b = 0; b < 256; ++b) model.tokens[rank_of_byte(static_cast<uint8_t>(b))] = std::string(1, static_cast<char>(b));
    for (const std::string& token : model.tokens) tokens.insert(token);

    MergeLearner learner;
    std::vector<int32_t> pieces;
    for (int32_t w = 0; w < words_.size(); ++w) {
      pieces.clear();
      for (const char byte : words_.word(w)) pieces.push_back(byte_ids[static_cast<uint8_t>(byte)]);
      learner.add(pieces, words_.count(w));
    }
    model.merges = learner.learn(settings_.min_count, [&](int32_t left, int32_t right) {
      if (tokens.size() + Tokenizer::kSpecialCount >= settings_.vocabulary_size) return -1;
      const auto text = [&](int32_t id) { return std::string(tokens[id - Tokenizer::kSpecialCount]); };
      return tokens.insert(text(left) + text(right)) + Tokenizer::kSpecialCount;
    });
    for (int32_t i = 256; i < tokens.size(); ++i) model.tokens.emplace_back(tokens[i]);
    return make_byte_pair_tokenizer(std::move(model));
  }

 private:
  TokenizerSettings settings_;
  CountedWords words_;
};

}  // namespace

std::unique_ptr<Tokenizer> make_byte_pair_tokenizer(BytePairModel model) {
  return std::make_unique<BytePairTokenizer>(std::move(model));
}

std::unique_ptr<TokenizerBuilder> make_byte_pair_builder(const TokenizerSettings& settings) {
  return std::make_unique<BytePairBuilder>(settings);
}

}  // namespace vitrine
