#include <algorithm>
#include <nlohmann/json.hpp>

#include "data/learn.h"
#include "data/tokenizer/byte_alphabet.h"
#include "data/tokenizer/merges.h"
#include "data/tokenizer/pretokens.h"
#include "support/error_of.h"

using namespace vitrine;
using Catch::Matchers::Contains;

namespace {

using Words = std::vector<std::string>;

TokenizerSettings byte_pair(int64_t vocabulary_size, int64_t min_count = 1) {
  TokenizerSettings settings{TokenizerKind::kBytePair};
  settings.vocabulary_size = vocabulary_size;
  settings.min_count = min_count;
  return settings;
}

Words pretokens(std::string_view text) {
  Words out;
  for (size_t at = 0, end; at < text.size(); at = end) {
    end = pretoken_end(text, at);
    out.emplace_back(text.substr(at, end - at));
  }
  return out;
}

std::string random_bytes(std::mt19937& random, int length) {
  std::string text;
  for (int i = 0; i < length; ++i) text.push_back(static_cast<char>(random()));
  return text;
}

constexpr std::string_view kText = "the cat sat on the mat; the cat's hat, the hats. naïve Ünïcode 语言 they're 1999 12 12 12";

}  // namespace

// The first three are those of the tokenizers package, version 0.23.3: ByteLevel(add_prefix_space=False).pre_tokenize_str.
TEST_CASE("text falls into pre-tokens as GPT-2's expression says") {
  CHECK(pretokens("Hello world, it's  2 x!\n\n  end ") ==
        Words{"Hello", " world", ",", " it", "'s", " ", " 2", " x", "!", "\n\n ", " end", " "});
  CHECK(pretokens("they'LL we'll 'tis I'd'x '' don''t") ==
        Words{"they", "'", "LL", " we", "'ll", " '", "tis", " I", "'d", "'", "x", " ''", " don", "''", "t"});
  CHECK(pretokens("a\u00A0b\u3000c\u2028\u2028d ½x²٣") ==
        Words{"a", "\u00A0", "b", "\u3000", "c", "\u2028", "\u2028", "d", " ½", "x", "²٣"});
  CHECK(pretokens("\t\tx") == Words{"\t", "\t", "x"});
  CHECK(pretokens("   ") == Words{"   "});
  CHECK(pretokens("x \xFF\xC3 \xE8\xAF.") == Words{"x", " \xFF\xC3", " \xE8\xAF."});
  CHECK(pretokens("").empty());
}

TEST_CASE("a very long pre-token is cut between two characters") {
  std::string text(kLongestPretoken - 1, 'x');
  text += "éy";
  CHECK(pretokens(text) == Words{std::string(kLongestPretoken - 1, 'x'), "éy"});
  CHECK(pretokens(" " + std::string(kLongestPretoken, 'x')) == Words{" " + std::string(kLongestPretoken - 1, 'x'), "x"});
  CHECK(pretokens(std::string(3 * kLongestPretoken, ' ')).size() == 3);
  const auto tokenizer = learn(byte_pair(300), {text, text});
  for (const char c : {'x', 'q', ' ', '\xFF'}) {
    const std::string line(5 * kLongestPretoken + 7, c);
    CHECK(tokenizer->decode(ids(pieces_of(*tokenizer, line))) == line);
  }
}

TEST_CASE("the alphabet of bytes is GPT-2's") {
  CHECK(bytes_to_characters("a b\n\xFF") == "aĠbĊÿ");
  CHECK(bytes_to_characters({"\0\x7F\x80\xAD\xA0", 5}) == "ĀġĢŃł");
  CHECK(characters_to_bytes("aĠbĊÿ") == "a b\n\xFF");
  CHECK(!characters_to_bytes("a b"));
  CHECK(!characters_to_bytes("語"));
  CHECK(rank_of_byte('!') == 0);
  CHECK(rank_of_byte(0xFF) == 187);
  CHECK(rank_of_byte(0) == 188);
  CHECK(rank_of_byte(0xAD) == 255);
}

// Sennrich et al. 2016, §3.2: low ×5, lower ×2, newest ×6, widest ×3; e s, es t, est (their end of word is left out here), l o, lo w.
TEST_CASE("merges are learned from the most frequent pair on") {
  MergeLearner learner;
  const auto add = [&](std::string_view word, int64_t count) {
    std::vector<int32_t> ids(word.begin(), word.end());
    learner.add(ids, count);
  };
  add("low", 5), add("lower", 2), add("newest", 6), add("widest", 3);
  int32_t next = 1000;
  const auto merges = learner.learn(3, [&](int32_t, int32_t) { return next < 1008 ? next++ : -1; });
  // After es (9) and est (9): l o (7), lo w (7), e w (6, n e and w est as well; the smaller ids first), …
  REQUIRE(merges.size() == 8);
  CHECK(merges[0] == Merge{'e', 's', 1000});
  CHECK(merges[1] == Merge{1000, 't', 1001});
  CHECK(merges[2] == Merge{'l', 'o', 1002});
  CHECK(merges[3] == Merge{1002, 'w', 1003});
  CHECK(merges[4] == Merge{'e', 'w', 1004});
  CHECK(merges[5] == Merge{'n', 1004, 1005});
  CHECK(merges[6] == Merge{1005, 1001, 1006});
  CHECK(merges[7] == Merge{'d', 1001, 1007});
}

TEST_CASE("merges learned step by step are those of counting anew after each") {
  std::mt19937 random(3);
  for (int round = 0; round < 40; ++round) {
    std::vector<std::vector<int32_t>> words;
    std::vector<int64_t> counts;
    MergeLearner learner;
    for (int w = 0; w < 20; ++w) {
      std::vector<int32_t> word(random() % 12);
      for (int32_t& piece : word) piece = static_cast<int32_t>(random() % 3);
      words.push_back(word), counts.push_back(1 + static_cast<int64_t>(random() % 5));
      learner.add(word, counts.back());
    }
    int32_t next = 3;
    const auto merges = learner.learn(4, [&](int32_t, int32_t) { return next < 40 ? next++ : -1; });
    for (const Merge& merge : merges) {
      std::map<std::pair<int32_t, int32_t>, int64_t> pairs;
      for (size_t w = 0; w < words.size(); ++w)
        for (size_t i = 1; i < words[w].size(); ++i) pairs[{words[w][i - 1], words[w][i]}] += counts[w];
      auto best = pairs.begin();
      for (auto p = pairs.begin(); p != pairs.end(); ++p)
        if (p->second > best->second) best = p;
      // "aaa" has a a twice until it is joined; both ways count it so.
      REQUIRE(best->second >= 4);
      REQUIRE(best->first == std::pair(merge.left, merge.right));
      for (auto& word : words) {
        std::vector<int32_t> joined;
        for (size_t i = 0; i < word.size(); ++i) {
          const bool here = i + 1 < word.size() && word[i] == merge.left && word[i + 1] == merge.right;
          joined.push_back(here ? merge.result : word[i]);
          i += here;
        }
        word = joined;
      }
    }
  }
}

TEST_CASE("a byte_pair tokenizer has the special tokens, all bytes, and what it learned") {
  const auto tokenizer = learn(byte_pair(270), {kText});
  REQUIRE(tokenizer->size() == 270);
  CHECK(tokenizer->token(0) == "[UNK]");
  CHECK(tokenizer->token(4) == "!");
  CHECK(tokenizer->find("Ġ") == 4 + rank_of_byte(' '));
  CHECK(tokenizer->token(260) == "at");
  CHECK(names_of(*tokenizer, pieces_of(*tokenizer, "the hat sat")) == Words{"the", "Ġ", "hat", "Ġ", "s", "at"});
  CHECK(tokenizer->find("語") == Tokenizer::kUnknown);
  CHECK(learn(byte_pair(260), {kText})->size() == 260);
  CHECK(learn(byte_pair(1000, 1000), {kText})->size() == 260);  // nothing stands there a thousand times
  CHECK(learn(byte_pair(1000), {""})->size() == 260);
  CHECK(learn(byte_pair(100000), {kText})->size() < 400);  // all words are tokens
}

TEST_CASE("nothing is unknown to byte_pair, and its pieces are the text, for any bytes") {
  std::mt19937 random(11);
  const auto tokenizer = learn(byte_pair(320), {kText, random_text(random, 2000, true)});
  for (int round = 0; round < 300; ++round) {
    const std::string text = round % 2 == 0 ? random_bytes(random, 60) : random_text(random, 60, round % 4 == 1);
    const std::vector<Piece> pieces = pieces_of(*tokenizer, text);
    uint32_t last = 0;
    for (const Piece& p : pieces) {
      REQUIRE(p.id >= Tokenizer::kSpecialCount);
      REQUIRE(p.begin == last);
      REQUIRE(p.begin < p.end);
      REQUIRE(tokenizer->token(p.id) == bytes_to_characters(std::string_view(text).substr(p.begin, p.end - p.begin)));
      last = p.end;
    }
    REQUIRE(last == text.size());
    REQUIRE(tokenizer->decode(ids(pieces)) == text);
    check_parts(*tokenizer, text);
  }
}

// The merges of a word one after the other, by rank, as the definition says.
TEST_CASE("pieces are what the merges make, one after the other in the order in which they were learned") {
  std::mt19937 random(5);
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "abc "[random() % 4];
  const auto tokenizer = learn(byte_pair(330), {text});
  const auto json = nlohmann::json::parse(tokenizer->to_json());
  for (int round = 0; round < 200; ++round) {
    std::string word;
    for (size_t i = 0; i < 1 + random() % 30; ++i) word += "abc"[random() % 3];
    Words parts;
    for (const char c : word) parts.emplace_back(1, c);
    for (const auto& merge : json["model"]["merges"])
      for (size_t i = 0; i + 1 < parts.size(); ++i)
        if (parts[i] == merge[0] && parts[i + 1] == merge[1]) {
          parts[i] += parts[i + 1];
          parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(i) + 1);
        }
    REQUIRE(names_of(*tokenizer, pieces_of(*tokenizer, word)) == parts);
  }
}

TEST_CASE("a token that the merges do not make is not taken whole") {
  auto json = nlohmann::json::parse(learn(byte_pair(260), {""})->to_json());
  // b c is joined before a b, so that abc, which could be a + bc only, is never made.
  json["model"]["vocab"].update({{"ab", 260}, {"bc", 261}, {"abc", 262}});
  json["model"]["merges"] = nlohmann::json::parse(R"(["b c", "a b", "ab c"])");
  const auto tokenizer = tokenizer_from_json(json.dump(), "t.json");
  CHECK(names_of(*tokenizer, pieces_of(*tokenizer, "abc")) == Words{"a", "bc"});
  CHECK(names_of(*tokenizer, pieces_of(*tokenizer, "ab")) == Words{"ab"});
}

TEST_CASE("a [MASK] takes the space before it, as the piece does that it stands for") {
  const auto tokenizer = learn(byte_pair(300), {kText});
  const std::string text = "the [MASK] sat [CLS]x[SEP][MASK]";
  for (const Piece& p : pieces_of(*tokenizer, text)) CHECK(p.id >= Tokenizer::kSpecialCount);
  const auto pieces = tokenizer->encode_with_masks(text);
  CHECK(names_of(*tokenizer, pieces) == Words{"the", "[MASK]", "Ġsat", "Ġ", "[CLS]", "x", "[SEP]", "[MASK]"});
  CHECK(pieces[1] == Piece{Tokenizer::kMask, 3, 10});
  CHECK(pieces[2].begin == 10);
  CHECK(tokenizer->decode(ids(pieces)) == "the[MASK] sat [CLS]x[SEP][MASK]");
  CHECK(tokenizer->encode_with_masks("x \u3000 [MASK]")[1] == Piece{Tokenizer::kMask, 1, 12});
  auto json = nlohmann::json::parse(tokenizer->to_json());
  json["added_tokens"][1]["lstrip"] = false;
  const auto keeps = tokenizer_from_json(json.dump(), "t.json");
  CHECK(names_of(*keeps, keeps->encode_with_masks("the [MASK]")) == Words{"the", "Ġ", "[MASK]"});
  CHECK(nlohmann::json::parse(keeps->to_json()) == json);
}

TEST_CASE("a byte_pair tokenizer is found again in its file") {
  const auto before = learn(byte_pair(320), {kText, "\xFF\xFE raw"});
  const auto after = tokenizer_from_json(before->to_json(), "tokenizer.json");
  CHECK(after->kind() == TokenizerKind::kBytePair);
  CHECK(after->to_json() == before->to_json());
  REQUIRE(after->size() == before->size());
  for (int32_t id = 0; id < before->size(); ++id) {
    CHECK(after->token(id) == before->token(id));
    CHECK(after->find(after->token(id)) == id);
  }
  std::mt19937 random(2);
  for (int round = 0; round < 50; ++round) {
    const std::string text = random_text(random, 60, true);
    REQUIRE(pieces_of(*after, text) == pieces_of(*before, text));
  }
}

TEST_CASE("a tokenizer.json that is wrong, or has parts that are not supported, is refused with its reason") {
  using Json = nlohmann::json;
  const Json good = Json::parse(learn(byte_pair(262), {"aaa aaa"})->to_json());
  const auto message = [&](const char* patch) {
    Json file = good;
    file.merge_patch(Json::parse(patch));
    return error_of(ErrorKind::kData, [&] { tokenizer_from_json(file.dump(), "t.json"); });
  };
  REQUIRE(tokenizer_from_json(good.dump(), "t.json")->size() == 262);
  const std::string whole = good.dump();
  for (size_t bytes = 0; bytes < whole.size(); bytes += 37)
    CHECK_THAT(error_of(ErrorKind::kData, [&] { tokenizer_from_json(whole.substr(0, bytes), "t.json"); }),
               Contains("t.json: not valid JSON"));
  CHECK_THAT(message(R"({"model": {"type": "Unigram"}})"), Contains("t.json: model Unigram is not supported"));
  CHECK_THAT(message(R"({"model": 7})"), Contains("model 7 is not supported"));
  CHECK_THAT(message(R"({"normalizer": {"type": "NFKC"}})"), Contains("normalizer NFKC is not supported"));
  CHECK_THAT(message(R"({"pre_tokenizer": {"type": "Metaspace"}})"), Contains("pre_tokenizer Metaspace is not supported"));
  CHECK_THAT(message(R"({"pre_tokenizer": null})"), Contains("pre_tokenizer null is not supported"));
  CHECK_THAT(message(R"({"pre_tokenizer": {"add_prefix_space": true}})"),
             Contains("\"add_prefix_space\" of the pre_tokenizer ByteLevel is true, and only false is supported"));
  CHECK_THAT(message(R"({"pre_tokenizer": {"use_regex": false}})"), Contains("\"use_regex\""));
  CHECK_THAT(message(R"({"truncation": {"max_length": 8}})"), Contains("\"truncation\" is not supported"));
  CHECK_THAT(message(R"({"padding": {}})"), Contains("\"padding\" is not supported"));
  CHECK_THAT(message(R"({"model": {"dropout": 0.1}})"), Contains("\"dropout\" of the model BPE is 0.1"));
  CHECK_THAT(message(R"({"model": {"byte_fallback": true}})"), Contains("\"byte_fallback\""));
  CHECK_THAT(message(R"({"model": {"ignore_merges": true}})"), Contains("\"ignore_merges\""));
  CHECK_THAT(message(R"({"model": {"end_of_word_suffix": "</w>"}})"), Contains("\"end_of_word_suffix\""));
  CHECK_THAT(message(R"({"model": {"vocab": []}})"), Contains("\"vocab\" of the model must be a map"));
  CHECK_THAT(message(R"({"model": {"vocab": {"new": 4}}})"), Contains("have the same id 4"));
  CHECK_THAT(message(R"({"model": {"vocab": {"new": 263}}})"), Contains("token \"new\" has the id 263"));
  CHECK_THAT(message(R"({"model": {"vocab": {"new": -1}}})"), Contains("token \"new\" has the id -1"));
  CHECK_THAT(message(R"({"model": {"vocab": {"new": "x"}}})"), Contains("token \"new\" has the id \"x\""));
  CHECK_THAT(message(R"({"model": {"vocab": {"語": 262}}})"), Contains("\"語\" is not written in the characters of ByteLevel"));
  CHECK_THAT(message(R"({"model": {"vocab": {"[MASK]": null, "x2": 1}}})"),
             Contains("special token [MASK] is not in the vocabulary"));
  CHECK_THAT(message(R"({"model": {"vocab": {"a": null, "zz": 68}}})"), Contains("byte 0x61 (\"a\") has no token"));
  CHECK_THAT(message(R"({"model": {"merges": [["a", "q"]]}})"), Contains("merge 0 names \"aq\", which is not in the vocabulary"));
  CHECK_THAT(message(R"({"model": {"merges": ["aa a", "x"]}})"), Contains("merge 1 must be two tokens"));
  CHECK_THAT(message(R"({"model": {"merges": ["[UNK] a"]}})"), Contains("merge 0 names \"[UNK]\""));
  CHECK_THAT(message(R"({"model": {"merges": 3}})"), Contains("\"merges\" of the model must be a list"));
  CHECK_THAT(message(R"({"added_tokens": [{"id": 9, "content": "<pad>", "special": true}]})"),
             Contains("added token \"<pad>\" is not in the vocabulary"));
  CHECK_THAT(message(R"({"added_tokens": [{"id": 9, "content": "aa", "special": false}]})"),
             Contains("added token \"aa\" is not special"));
}
