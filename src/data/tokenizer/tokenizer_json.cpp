#include "data/tokenizer/tokenizer_json.h"

#include <nlohmann/json.hpp>
#include <unordered_set>

#include "base/error.h"
#include "data/tokenizer/hugging_face.h"
#include "data/utf8.h"

namespace vitrine {
namespace {

constexpr int kVersion = 1;
constexpr const char* kFormat = "vitrine tokenizer";

std::vector<std::string> read_tokens(const nlohmann::json& json, TokenizerKind kind, std::string_view origin) {
  if (!json.is_array()) fail(ErrorKind::kData, "{}: \"tokens\" must be a list of strings", origin);
  std::vector<std::string> tokens;
  std::unordered_set<std::string_view> seen;
  tokens.reserve(json.size());
  for (const auto& item : json) {
    const size_t id = tokens.size();
    if (!item.is_string()) fail(ErrorKind::kData, "{}: token {} is not a string", origin, id);
    tokens.push_back(item.get<std::string>());
    const std::string& token = tokens.back();
    if (id < Tokenizer::kSpecialCount) {
      if (token != Tokenizer::kSpecialNames[id])
        fail(ErrorKind::kData, "{}: token {} must be {}, not \"{}\"", origin, id, Tokenizer::kSpecialNames[id], token);
    } else if (token.empty() || token.size() > kLongestWord) {
      fail(ErrorKind::kData, "{}: token {} has {} bytes; 1 to {} are allowed", origin, id, token.size(), kLongestWord);
    } else if (kind == TokenizerKind::kCharacter && decode_utf8(token, 0).bytes != token.size()) {
      fail(ErrorKind::kData, "{}: token {}, \"{}\", is not one character", origin, id, token);
    }
    if (!seen.insert(token).second) fail(ErrorKind::kData, "{}: token {}, \"{}\", is there twice", origin, id, token);
  }
  if (tokens.size() < Tokenizer::kSpecialCount) fail(ErrorKind::kData, "{}: the special tokens are missing", origin);
  tokens.erase(tokens.begin(), tokens.begin() + Tokenizer::kSpecialCount);
  return tokens;
}

}  // namespace

std::string tokenizer_to_json(TokenizerKind kind, bool lowercase, const std::vector<std::string>& tokens) {
  nlohmann::ordered_json json;
  json["format"] = kFormat;
  json["version"] = kVersion;
  json["kind"] = kKindNames[static_cast<int>(kind)];
  if (kind != TokenizerKind::kByte) json["lowercase"] = lowercase;
  if (kind != TokenizerKind::kByte) json["tokens"] = tokens;
  // A word may hold bytes that are not UTF-8 only if it was learned from such text, which corpora refuse.
  return json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::unique_ptr<Tokenizer> tokenizer_from_json(std::string_view text, std::string_view origin) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded()) fail(ErrorKind::kData, "{}: not valid JSON", origin);
  if (json.is_object() && json.contains("model")) return tokenizer_from_hugging_face(json, origin);
  if (!json.is_object() || json.value("format", nlohmann::json()) != kFormat)
    fail(ErrorKind::kData, "{}: not a tokenizer file: neither \"format\": \"{}\" nor a \"model\" of the tokenizers package",
         origin, kFormat);
  if (json.value("version", nlohmann::json()) != kVersion)
    fail(ErrorKind::kData, "{}: version {} of the tokenizer format; this program reads version {}", origin,
         json.value("version", nlohmann::json()).dump(), kVersion);
  const auto kind = json.value("kind", nlohmann::json());
  if (kind == kKindNames[static_cast<int>(TokenizerKind::kByte)]) return make_byte_tokenizer();
  const bool characters = kind == kKindNames[static_cast<int>(TokenizerKind::kCharacter)];
  if (!characters && kind != kKindNames[static_cast<int>(TokenizerKind::kWord)])
    fail(ErrorKind::kData, "{}: \"kind\" must be character, byte or word, not {}", origin, kind.dump());
  const auto tokens =
      read_tokens(json.value("tokens", nlohmann::json()), characters ? TokenizerKind::kCharacter : TokenizerKind::kWord, origin);
  const auto lowercase = json.value("lowercase", nlohmann::json());
  if (!lowercase.is_boolean()) fail(ErrorKind::kData, "{}: \"lowercase\" must be true or false", origin);
  return characters ? make_character_tokenizer(tokens, lowercase.get<bool>())
                    : make_word_tokenizer(tokens, lowercase.get<bool>());
}

}  // namespace vitrine
