#include "data/tokenizer/hugging_face.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/log.h"
#include "data/tokenizer/builders.h"
#include "data/tokenizer/byte_alphabet.h"
#include "data/vocabulary.h"

namespace vitrine {
namespace {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;
constexpr int32_t kSpecials = Tokenizer::kSpecialCount;

// What stands under a key; null where there is nothing.
const Json& part_of(const Json& object, const char* key) {
  static const Json none;
  const auto found = object.find(key);
  return found == object.end() ? none : *found;
}

// The "type" of a part such as the model; empty: there is none.
std::string type_of(const Json& part) {
  const Json& type = part.is_object() ? part_of(part, "type") : part;
  return type.is_string() ? type.get<std::string>() : std::string();
}

// Refuses what a part has that would change the tokens: every key must have the one value that is supported, or be missing.
void expect(const Json& part, const std::string& name, const OrderedJson& supported, std::string_view origin) {
  for (const auto& [key, value] : supported.items()) {
    const Json& given = part_of(part, key.c_str());
    const bool empty = given.is_null() || given == "";
    const bool same = value.is_null() ? empty : given.is_null() || given == Json(value);
    if (!same)
      fail(ErrorKind::kData, "{}: \"{}\" of {} is {}, and only {} is supported", origin, key, name, given.dump(), value.dump());
  }
}

void refuse(std::string_view origin, const char* key, const Json& part, std::string_view supported) {
  const std::string type = type_of(part);
  fail(ErrorKind::kData, "{}: {} {} is not supported; {}", origin, key, type.empty() ? part.dump() : type, supported);
}

// The tokens of a vocabulary {"token": id, …} in the order of their ids, which are 0 … V − 1; the special ones, wherever they stand,
// come first.
std::vector<std::string> tokens_of(const Json& vocabulary, std::string_view origin) {
  if (!vocabulary.is_object()) fail(ErrorKind::kData, "{}: \"vocab\" of the model must be a map from token to id", origin);
  std::vector<std::string> tokens(vocabulary.size());
  std::vector<char> taken(vocabulary.size(), 0);
  for (const auto& [token, id] : vocabulary.items()) {
    if (!id.is_number_unsigned() || id.get<uint64_t>() >= tokens.size())
      fail(ErrorKind::kData, "{}: token \"{}\" has the id {}; {} tokens have the ids 0 to {}, each once", origin, token,
           id.dump(), tokens.size(), tokens.size() - 1);
    const auto place = id.get<size_t>();
    if (taken[place])
      fail(ErrorKind::kData, "{}: tokens \"{}\" and \"{}\" have the same id {}", origin, tokens[place], token, place);
    taken[place] = 1;
    tokens[place] = token;
  }
  special_tokens_first(tokens, origin);
  return tokens;
}

void check_added_tokens(const Json& added, const std::vector<std::string>& tokens, std::string_view origin) {
  for (const Json& token : added) {
    const std::string content = token.is_object() ? token.value("content", "") : "";
    if (std::find(tokens.begin(), tokens.end(), content) == tokens.end())
      fail(ErrorKind::kData, "{}: added token \"{}\" is not in the vocabulary of the model, and that is not supported", origin,
           content);
    const Json& special = part_of(token, "special");
    for (const char* key : {"single_word", "rstrip"})
      if (part_of(token, key) == true)
        fail(ErrorKind::kData, "{}: \"{}\" of the added token {} is true, and only false is supported", origin, key, content);
    if (special != true)
      fail(ErrorKind::kData, "{}: added token \"{}\" is not special, and only special ones are supported", origin, content);
  }
}

OrderedJson special_token(int32_t id, bool strips_space) {
  return {{"id", id},
          {"content", Tokenizer::kSpecialNames[id]},
          {"single_word", false},
          {"lstrip", strips_space && id == Tokenizer::kMask},
          {"rstrip", false},
          {"normalized", false},
          {"special", true}};
}

const OrderedJson kByteLevel = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", false}, {"use_regex", true}};

// The keys that every tokenizer.json has, with the special tokens in front of the vocabulary.
OrderedJson file_of(bool strips_space) {
  OrderedJson file = {{"version", "1.0"}, {"truncation", nullptr}, {"padding", nullptr}};
  for (int32_t id = 0; id < kSpecials; ++id) file["added_tokens"].push_back(special_token(id, strips_space));
  return file;
}

BytePairModel read_byte_pair(const Json& model, std::vector<std::string> characters, std::string_view origin) {
  expect(model, "the model BPE",
         {{"dropout", nullptr},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", nullptr},
          {"byte_fallback", false},
          {"ignore_merges", false}},
         origin);
  Vocabulary names;
  for (const std::string& token : characters) names.insert(token);
  BytePairModel out;
  for (size_t id = kSpecials; id < characters.size(); ++id) {
    auto bytes = characters_to_bytes(characters[id]);
    if (!bytes || bytes->empty())
      fail(ErrorKind::kData, "{}: token \"{}\" is not written in the characters of ByteLevel, each of which is a byte", origin,
           characters[id]);
    out.tokens.push_back(std::move(*bytes));
  }
  for (int b = 0; b < 256; ++b)
    if (const std::string name = bytes_to_characters(std::string(1, static_cast<char>(b))); names.find(name) < 0)
      fail(ErrorKind::kData,
           "{}: byte 0x{:02X} (\"{}\") has no token, so that some text could not be read\n"
           "help: train it with all bytes: BpeTrainer(initial_alphabet=ByteLevel.alphabet())",
           origin, b, name);
  const Json& merges = part_of(model, "merges");
  if (!merges.is_array()) fail(ErrorKind::kData, "{}: \"merges\" of the model must be a list", origin);
  for (size_t i = 0; i < merges.size(); ++i) {
    std::string left, right;
    const Json& merge = merges[i];
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      left = merge[0], right = merge[1];
    } else if (const std::string both = merge.is_string() ? merge.get<std::string>() : ""; both.find(' ') != both.npos) {
      left = both.substr(0, both.find(' ')), right = both.substr(both.find(' ') + 1);
    } else {
      fail(ErrorKind::kData, "{}: merge {} must be two tokens, as [\"a\", \"b\"] or \"a b\", not {}", origin, i, merge.dump());
    }
    for (const std::string& token : {left, right, left + right})
      if (names.find(token) < kSpecials)
        fail(ErrorKind::kData, "{}: merge {} names \"{}\", which is not in the vocabulary", origin, i, token);
    out.merges.push_back({names.find(left), names.find(right), names.find(left + right)});
  }
  return out;
}

// BertNormalizer, alone or behind NFC.
BertRules read_bert_rules(const Json& normalizer, std::string_view origin) {
  const Json& all = part_of(normalizer, "normalizers");
  const bool nfc = type_of(normalizer) == "Sequence" && all.size() == 2 && type_of(all[0]) == "NFC";
  const Json& bert = nfc ? all[1] : normalizer;
  if (type_of(bert) != "BertNormalizer")
    refuse(origin, "normalizer", bert, "a WordPiece model stands behind BertNormalizer here, or behind NFC and BertNormalizer");
  expect(bert, "the normalizer BertNormalizer", {{"clean_text", true}, {"handle_chinese_chars", true}}, origin);
  const bool lowercase = part_of(bert, "lowercase") == true;
  const Json& strip = part_of(bert, "strip_accents");
  return {lowercase, strip.is_null() ? lowercase : strip == true, nfc};
}

WordPieceModel read_word_piece(const Json& file, std::vector<std::string> tokens, std::string_view origin) {
  const Json& pre_tokenizer = part_of(file, "pre_tokenizer");
  if (type_of(pre_tokenizer) != "BertPreTokenizer")
    refuse(origin, "pre_tokenizer", pre_tokenizer, "a WordPiece model stands behind BertPreTokenizer here");
  expect(part_of(file, "model"), "the model WordPiece",
         {{"unk_token", "[UNK]"}, {"continuing_subword_prefix", "##"}, {"max_input_chars_per_word", BertWord::kMost}}, origin);
  tokens.erase(tokens.begin(), tokens.begin() + kSpecials);
  return {std::move(tokens), read_bert_rules(part_of(file, "normalizer"), origin)};
}

BytePairModel read_byte_level(const Json& file, std::vector<std::string> tokens, std::string_view origin) {
  const Json& normalizer = part_of(file, "normalizer");
  const Json& pre_tokenizer = part_of(file, "pre_tokenizer");
  if (!normalizer.is_null()) refuse(origin, "normalizer", normalizer, "a BPE model has none here");
  if (type_of(pre_tokenizer) != "ByteLevel")
    refuse(origin, "pre_tokenizer", pre_tokenizer, "a BPE model stands behind ByteLevel here");
  expect(pre_tokenizer, "the pre_tokenizer ByteLevel", {{"add_prefix_space", false}, {"use_regex", true}}, origin);
  BytePairModel out = read_byte_pair(part_of(file, "model"), std::move(tokens), origin);
  out.mask_takes_space = false;
  for (const Json& token : part_of(file, "added_tokens"))
    if (part_of(token, "content") == "[MASK]") out.mask_takes_space = part_of(token, "lstrip") == true;
  return out;
}

// What changes no token: how pieces become text again, and the special tokens at both ends, which are the objective's here.
void check_rest(const Json& file, const std::string& model, std::string_view origin) {
  for (const char* key : {"truncation", "padding"})
    if (!part_of(file, key).is_null())
      fail(ErrorKind::kData, "{}: \"{}\" is not supported; null is: data.max_length says how long a sequence is", origin, key);
  const Json& decoder = part_of(file, "decoder");
  const std::string expected = model == "BPE" ? "ByteLevel" : model;
  if (!decoder.is_null() && type_of(decoder) != expected)
    refuse(origin, "decoder", decoder, fmt::format("{}, or none, is", expected));
  const Json& post = part_of(file, "post_processor");
  const std::string type = type_of(post);
  if (post.is_null() || type == "ByteLevel") return;
  if (type != "TemplateProcessing" && type != "BertProcessing" && type != "RobertaProcessing")
    refuse(origin, "post_processor", post, "TemplateProcessing, BertProcessing, RobertaProcessing and ByteLevel are");
  log_warning("{}: post_processor {} is left out: [CLS] stands where `pooling: cls` of the objective asks for it", origin, type);
}

// {"token": id, …}; appended to without a search for each key.
OrderedJson vocabulary_of(const std::vector<std::string>& names) {
  OrderedJson::object_t vocabulary;
  for (size_t id = 0; id < names.size(); ++id) vocabulary.emplace_back(names[id], id);
  return vocabulary;
}

}  // namespace

std::string byte_pair_to_json(const BytePairModel& model) {
  std::vector<std::string> names(std::begin(Tokenizer::kSpecialNames), std::end(Tokenizer::kSpecialNames));
  for (const std::string& token : model.tokens) names.push_back(bytes_to_characters(token));
  OrderedJson file = file_of(model.mask_takes_space);
  file["normalizer"] = nullptr;
  file["pre_tokenizer"] = kByteLevel;
  file["post_processor"] = nullptr;
  file["decoder"] = kByteLevel;
  OrderedJson& out = file["model"];
  out = {{"type", "BPE"},
         {"dropout", nullptr},
         {"unk_token", nullptr},
         {"continuing_subword_prefix", nullptr},
         {"end_of_word_suffix", nullptr},
         {"fuse_unk", false},
         {"byte_fallback", false},
         {"ignore_merges", false}};
  out["vocab"] = vocabulary_of(names);
  OrderedJson::array_t merges;
  for (const Merge& merge : model.merges)
    merges.push_back(OrderedJson::array({names[static_cast<size_t>(merge.left)], names[static_cast<size_t>(merge.right)]}));
  out["merges"] = std::move(merges);
  return file.dump(1) + "\n";
}

std::string word_piece_to_json(const WordPieceModel& model) {
  std::vector<std::string> names(std::begin(Tokenizer::kSpecialNames), std::end(Tokenizer::kSpecialNames));
  names.insert(names.end(), model.tokens.begin(), model.tokens.end());
  const OrderedJson bert = {{"type", "BertNormalizer"},
                            {"clean_text", true},
                            {"handle_chinese_chars", true},
                            {"strip_accents", model.rules.strip_accents},
                            {"lowercase", model.rules.lowercase}};
  OrderedJson file = file_of(false);
  file["normalizer"] = bert;
  if (model.rules.nfc)
    file["normalizer"] = {{"type", "Sequence"}, {"normalizers", OrderedJson::array({OrderedJson{{"type", "NFC"}}, bert})}};
  file["pre_tokenizer"] = {{"type", "BertPreTokenizer"}};
  file["post_processor"] = nullptr;
  file["decoder"] = {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", false}};
  file["model"] = {{"type", "WordPiece"},
                   {"unk_token", "[UNK]"},
                   {"continuing_subword_prefix", "##"},
                   {"max_input_chars_per_word", BertWord::kMost},
                   {"vocab", vocabulary_of(names)}};
  return file.dump(1, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
}

std::unique_ptr<Tokenizer> tokenizer_from_hugging_face(const Json& file, std::string_view origin) {
  const Json& model = part_of(file, "model");
  const std::string type = type_of(model);
  if (type != "BPE" && type != "WordPiece") refuse(origin, "model", model, "BPE and WordPiece are");
  check_rest(file, type, origin);
  std::vector<std::string> tokens = tokens_of(part_of(model, "vocab"), origin);
  check_added_tokens(part_of(file, "added_tokens"), tokens, origin);
  if (type == "WordPiece") return make_word_piece_tokenizer(read_word_piece(file, std::move(tokens), origin));
  return make_byte_pair_tokenizer(read_byte_level(file, std::move(tokens), origin));
}

void special_tokens_first(std::vector<std::string>& tokens, std::string_view origin) {
  auto next = tokens.begin();
  for (const std::string_view special : Tokenizer::kSpecialNames) {
    const auto found = std::find(next, tokens.end(), special);
    if (found == tokens.end())
      fail(ErrorKind::kData, "{}: the special token {} is not in the vocabulary; [UNK], [MASK], [CLS] and [SEP] are needed",
           origin, special);
    std::rotate(next, found, found + 1);
    ++next;
  }
}

}  // namespace vitrine
