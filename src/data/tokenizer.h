#pragma once
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/settings.h"

namespace vitrine {

// A token with the bytes [begin, end) of the text it came from.
struct Piece {
  int32_t id;
  uint32_t begin, end;
  bool operator==(const Piece&) const = default;
};

// Text ↔ token ids. The first ids are the special tokens; there is no [PAD]. A tokenizer is learned from the training split, or
// read back from a run; after that it never changes, and any number of threads may use it.
//   character: a token is a code point          byte: a byte, V = 260          word: see data/tokenizer/words.h
//   byte_pair: pieces of words that are frequent, each with the space before its word, down to single bytes: data/tokenizer/pretokens.h
//   word_piece: BERT's words, each in as few pieces of the vocabulary as going from left to right finds: data/tokenizer/bert_words.h
class Tokenizer {
 public:
  static constexpr int32_t kUnknown = 0, kMask = 1, kCls = 2, kSep = 3, kSpecialCount = 4;
  static constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();
  static constexpr std::string_view kSpecialNames[kSpecialCount] = {"[UNK]", "[MASK]", "[CLS]", "[SEP]"};

  virtual ~Tokenizer() = default;
  virtual TokenizerKind kind() const = 0;
  // Appends the pieces of the first part of text[at …) and moves `at` behind it. A part is a character, a byte, a pre-token of
  // byte_pair, or a word with the white space before it; white space at the end of a text is a part without pieces. Parts do not look
  // at each other: a text cut at the end of any of them has the same pieces. Text is UTF-8, below 4 GiB, at < text.size(); a byte that
  // is not valid UTF-8 is [UNK] for characters, part of a word for words, part of a piece for byte_pair, and nothing for word_piece.
  // A literal "[MASK]" is text here; encode_with_masks makes it the mask token.
  virtual void encode_part(std::string_view text, size_t& at, std::vector<Piece>& out) const = 0;
  void encode(std::string_view text, std::vector<Piece>& out,
              int64_t limit = kNoLimit) const;                            // all parts; the first `limit` pieces
  virtual std::string_view token(int32_t id) const = 0;                   // its text; special ones in brackets
  virtual int64_t size() const = 0;                                       // V, special tokens included
  virtual int32_t find(std::string_view token) const = 0;                 // the inverse of token(); kUnknown where there is none
  virtual std::string decode(const std::vector<int32_t>& ids) const = 0;  // words are joined by one space
  virtual bool mask_takes_space() const { return false; }  // encode_with_masks: [MASK] stands for a piece with its space
  virtual std::string to_json() const = 0;                 // tokenizer.json of a run

  std::vector<Piece> encode_with_masks(std::string_view text) const;  // "The [MASK] sat": [MASK], [CLS], [SEP] are special
};

// Learned from counts: feed it the training text, then ask for the tokenizer. Memory is that of the distinct tokens. Words are kept
// by falling count, equal ones in the order of their bytes; ids follow that order (characters: the order of code points).
class TokenizerBuilder {
 public:
  virtual ~TokenizerBuilder() = default;
  virtual void add(std::string_view text) = 0;
  virtual std::unique_ptr<Tokenizer> build() = 0;
};
std::unique_ptr<TokenizerBuilder> make_tokenizer_builder(const TokenizerSettings& settings);

// A word tokenizer that knows exactly these words, in this order after the special tokens. A word longer than kLongestWord bytes
// is always [UNK].
constexpr size_t kLongestWord = 256;
std::unique_ptr<Tokenizer> make_word_tokenizer(const std::vector<std::string>& words, bool lowercase = false);
std::unique_ptr<Tokenizer> make_character_tokenizer(const std::vector<std::string>& characters, bool lowercase = false);
std::unique_ptr<Tokenizer> make_byte_tokenizer();

std::unique_ptr<Tokenizer> tokenizer_from_json(std::string_view json, std::string_view origin);  // Error{kData}

}  // namespace vitrine
