#include <fmt/format.h>

#include "data/tokenizer/builders.h"
#include "data/tokenizer/tokenizer_json.h"

namespace vitrine {
namespace {

// Byte b is token b + kSpecialCount; a printable one of ASCII is its own text, any other is shown as <0x0A>.
class ByteTokenizer final : public Tokenizer {
 public:
  ByteTokenizer() {
    for (std::string_view name : kSpecialNames) tokens_.emplace_back(name);
    for (int b = 0; b < 256; ++b)
      tokens_.push_back(b >= ' ' && b < 0x7F ? std::string(1, static_cast<char>(b)) : fmt::format("<0x{:02X}>", b));
  }

  TokenizerKind kind() const override { return TokenizerKind::kByte; }
  int64_t size() const override { return static_cast<int64_t>(tokens_.size()); }
  std::string_view token(int32_t id) const override { return tokens_[id]; }

  int32_t find(std::string_view token) const override {
    for (size_t id = 0; id < tokens_.size(); ++id)
      if (token == tokens_[id]) return static_cast<int32_t>(id);
    return kUnknown;
  }

  void encode_part(std::string_view text, size_t& at, std::vector<Piece>& out) const override {
    const auto begin = static_cast<uint32_t>(at);
    out.push_back({static_cast<uint8_t>(text[at++]) + kSpecialCount, begin, begin + 1});
  }

  // Bytes as they are, which need not be valid UTF-8.
  std::string decode(const std::vector<int32_t>& ids) const override {
    std::string text;
    for (int32_t id : ids) {
      if (id < kSpecialCount)
        text.append(token(id));
      else
        text.push_back(static_cast<char>(id - kSpecialCount));
    }
    return text;
  }

  std::string to_json() const override { return tokenizer_to_json(TokenizerKind::kByte, false, {}); }

 private:
  std::vector<std::string> tokens_;
};

class ByteBuilder final : public TokenizerBuilder {
 public:
  void add(std::string_view) override {}
  std::unique_ptr<Tokenizer> build() override { return make_byte_tokenizer(); }
};

}  // namespace

std::unique_ptr<Tokenizer> make_byte_tokenizer() { return std::make_unique<ByteTokenizer>(); }
std::unique_ptr<TokenizerBuilder> make_byte_builder() { return std::make_unique<ByteBuilder>(); }

}  // namespace vitrine
