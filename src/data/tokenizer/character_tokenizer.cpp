#include <algorithm>
#include <array>
#include <unordered_map>

#include "data/tokenizer/builders.h"
#include "data/tokenizer/tokenizer_json.h"
#include "data/utf8.h"

namespace vitrine {
namespace {

class CharacterTokenizer final : public Tokenizer {
 public:
  CharacterTokenizer(const std::vector<std::string>& characters, bool lowercase) : lowercase_(lowercase) {
    for (std::string_view name : kSpecialNames) tokens_.emplace_back(name);
    for (const std::string& character : characters) {
      const uint32_t code = decode_utf8(character, 0).value;
      const auto id = static_cast<int32_t>(tokens_.size());
      if (code < 128)
        ascii_[code] = id;
      else
        others_.emplace(code, id);
      tokens_.push_back(character);
    }
  }

  TokenizerKind kind() const override { return TokenizerKind::kCharacter; }
  int64_t size() const override { return static_cast<int64_t>(tokens_.size()); }
  std::string_view token(int32_t id) const override { return tokens_[id]; }

  int32_t find(std::string_view token) const override {
    for (int32_t id = 0; id < kSpecialCount; ++id)
      if (token == kSpecialNames[id]) return id;
    if (token.empty()) return kUnknown;
    const CodePoint c = decode_utf8(token, 0);
    return c.bytes == token.size() ? find(c.value) : kUnknown;
  }

  void encode_part(std::string_view text, size_t& at, std::vector<Piece>& out) const override {
    const CodePoint c = decode_utf8(text, at);
    out.push_back({look_up(c.value), static_cast<uint32_t>(at), static_cast<uint32_t>(at + c.bytes)});
    at += c.bytes;
  }

  std::string decode(const std::vector<int32_t>& ids) const override {
    std::string text;
    for (int32_t id : ids) text.append(token(id));
    return text;
  }

  std::string to_json() const override { return tokenizer_to_json(TokenizerKind::kCharacter, lowercase_, tokens_); }

 private:
  int32_t look_up(uint32_t code) const { return find(lowercase_ ? lower_case(code) : code); }
  int32_t find(uint32_t code) const {
    if (code < 128) return ascii_[code];
    const auto found = others_.find(code);
    return found == others_.end() ? kUnknown : found->second;
  }

  std::vector<std::string> tokens_;
  bool lowercase_;
  std::array<int32_t, 128> ascii_{};  // kUnknown
  std::unordered_map<uint32_t, int32_t> others_;
};

class CharacterBuilder final : public TokenizerBuilder {
 public:
  explicit CharacterBuilder(const TokenizerSettings& settings) : settings_(settings) {}

  void add(std::string_view text) override {
    for (size_t at = 0; at < text.size();) {
      const CodePoint c = decode_utf8(text, at);
      const uint32_t code = settings_.lowercase ? lower_case(c.value) : c.value;
      if (code < 128)
        ++ascii_[code];
      else if (code != CodePoint::kInvalid)
        ++others_[code];
      at += c.bytes;
    }
  }

  std::unique_ptr<Tokenizer> build() override {
    std::vector<std::pair<int64_t, uint32_t>> kept;  // (−count, code point)
    for (uint32_t code = 0; code < 128; ++code) kept.emplace_back(-ascii_[code], code);
    for (const auto& [code, count] : others_) kept.emplace_back(-count, code);
    const int64_t least = std::max<int64_t>(settings_.min_count, 1);
    std::erase_if(kept, [least](const auto& c) { return -c.first < least; });
    std::sort(kept.begin(), kept.end());
    if (settings_.max_size > 0) kept.resize(std::min(kept.size(), static_cast<size_t>(settings_.max_size)));
    std::sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    std::vector<std::string> characters;
    for (const auto& c : kept) append_utf8(characters.emplace_back(), c.second);
    return make_character_tokenizer(characters, settings_.lowercase);
  }

 private:
  TokenizerSettings settings_;
  std::array<int64_t, 128> ascii_{};
  std::unordered_map<uint32_t, int64_t> others_;
};

}  // namespace

std::unique_ptr<TokenizerBuilder> make_character_builder(const TokenizerSettings& settings) {
  return std::make_unique<CharacterBuilder>(settings);
}

std::unique_ptr<Tokenizer> make_character_tokenizer(const std::vector<std::string>& characters, bool lowercase) {
  return std::make_unique<CharacterTokenizer>(characters, lowercase);
}

}  // namespace vitrine
