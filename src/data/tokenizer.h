#pragma once
#include <cstdint>
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
};

// Text ↔ token ids. The first ids are the special tokens; there is no [PAD]. A tokenizer is learned from the training split, or
// read back from a run; after that it never changes.
class Tokenizer {
 public:
  static constexpr int32_t kUnknown = 0, kMask = 1, kCls = 2, kSep = 3, kSpecialCount = 4;

  virtual ~Tokenizer() = default;
  virtual TokenizerKind kind() const = 0;
  // Appends to `out`. Text is UTF-8. A literal "[MASK]" is text here; encode_with_masks makes it the mask token.
  virtual void encode(std::string_view text, std::vector<Piece>& out) const = 0;
  virtual std::string_view token(int32_t id) const = 0;    // as shown to people; special ones in brackets
  virtual int64_t size() const = 0;                        // V, special tokens included
  virtual int32_t find(std::string_view token) const = 0;  // kUnknown where there is none
  virtual std::string decode(const std::vector<int32_t>& ids) const = 0;
  virtual std::string to_json() const = 0;  // tokenizer.json of a run

  std::vector<Piece> encode_with_masks(std::string_view text) const;  // "The [MASK] sat": [MASK], [CLS], [SEP] are special
};

// Learned from counts: feed it the training text, then ask for the tokenizer. Memory is that of the distinct tokens.
class TokenizerBuilder {
 public:
  virtual ~TokenizerBuilder() = default;
  virtual void add(std::string_view text) = 0;
  virtual std::unique_ptr<Tokenizer> build() = 0;
};
std::unique_ptr<TokenizerBuilder> make_tokenizer_builder(const TokenizerSettings& settings);
std::unique_ptr<Tokenizer> tokenizer_from_json(std::string_view json, std::string_view origin);  // Error{kData}

}  // namespace vitrine
