#include <algorithm>
#include <iterator>
#include <unordered_map>

#include "base/error.h"
#include "data/text_file.h"
#include "data/tokenizer/builders.h"
#include "data/tokenizer/tokenizer_json.h"

namespace vitrine {
namespace {

const char* name_of(TokenizerKind kind) { return kKindNames[static_cast<int>(kind)]; }

std::vector<std::string> read_tokens(std::string_view text, const std::string& path) {
  std::vector<std::string> tokens;
  std::unordered_map<std::string_view, size_t> lines;
  for (size_t at = 0, end; at < text.size(); at = end + 1) {
    end = std::min(text.find('\n', at), text.size());
    const std::string_view token = text.substr(at, end - at);
    const size_t line = tokens.size() + 1;
    if (token.empty()) fail(ErrorKind::kData, "{}:{}: an empty line; each line is a token, and its number the id", path, line);
    const auto [before, is_new] = lines.emplace(token, line);
    if (!is_new) fail(ErrorKind::kData, "{}:{}: token \"{}\" stands in line {} already", path, line, token, before->second);
    tokens.emplace_back(token);
  }
  if (tokens.empty()) fail(ErrorKind::kData, "{}: an empty file; a vocabulary has a token a line", path);
  special_tokens_first(tokens, path);
  tokens.erase(tokens.begin(), tokens.begin() + Tokenizer::kSpecialCount);
  return tokens;
}

std::unique_ptr<Tokenizer> read_tokenizer(const TokenizerSettings& settings) {
  const TextFile file(settings.file, Encoding::kUtf8);
  const size_t first = file.text().find_first_not_of(" \t\n");
  if (first != std::string_view::npos && file.text()[first] == '{') return tokenizer_from_json(file.text(), settings.file);
  if (settings.kind != TokenizerKind::kWordPiece)
    fail(ErrorKind::kData,
         "{}: not a tokenizer.json, and a vocabulary with a token a line goes with tokenizer.kind word_piece only",
         settings.file);
  return make_word_piece_tokenizer(
      {read_tokens(file.text(), settings.file), {settings.lowercase, settings.strip_accents, settings.nfc}});
}

class FileBuilder final : public TokenizerBuilder {
 public:
  explicit FileBuilder(const TokenizerSettings& settings) : settings_(settings) {}
  void add(std::string_view) override {}

  std::unique_ptr<Tokenizer> build() override {
    auto tokenizer = read_tokenizer(settings_);
    if (tokenizer->kind() != settings_.kind)
      fail(ErrorKind::kData, "{}: a tokenizer of kind {}, and tokenizer.kind is {}", settings_.file, name_of(tokenizer->kind()),
           name_of(settings_.kind));
    return tokenizer;
  }

 private:
  TokenizerSettings settings_;
};

}  // namespace

std::unique_ptr<TokenizerBuilder> make_file_builder(const TokenizerSettings& settings) {
  return std::make_unique<FileBuilder>(settings);
}

}  // namespace vitrine
