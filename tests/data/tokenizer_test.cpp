#include "data/tokenizer.h"

#include <algorithm>
#include <random>

#include "data/learn.h"
#include "data/utf8.h"
#include "support/error_of.h"

using namespace vitrine;
using Catch::Matchers::Contains;

namespace {

std::vector<std::string> split(std::string_view text) {
  const auto tokenizer = make_word_tokenizer({});
  std::vector<Piece> pieces;
  tokenizer->encode(text, pieces);
  std::vector<std::string> words;
  for (const Piece& p : pieces) words.emplace_back(text.substr(p.begin, p.end - p.begin));
  return words;
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("text falls into words by the rules") {
  CHECK(split("The cat sat.") == Words{"The", "cat", "sat", "."});
  CHECK(split("  (don't!)  ") == Words{"(", "don't", "!", ")"});
  CHECK(split("\"Stop,\" he said...") == Words{"\"", "Stop", ",", "\"", "he", "said", "..."});
  CHECK(split("twenty-one 7:30 3,000 1/2 and/or a,b AT&T x_1") ==
        Words{"twenty-one", "7:30", "3,000", "1/2", "and", "/", "or", "a", ",", "b", "AT&T", "x_1"});
  CHECK(split("the U.S. at 5 p.m., e.g. St. Louis") == Words{"the", "U.S.", "at", "5", "p.m.", ",", "e.g.", "St", ".", "Louis"});
  CHECK(split("U.S.A a.b.com I. 3.14.") == Words{"U.S.A", "a.b.com", "I", ".", "3.14", "."});
  CHECK(split("What 's `` it '' ? 'll n't 'Hara") == Words{"What", "'s", "``", "it", "''", "?", "'ll", "n't", "'", "Hara"});
  CHECK(split("dogs' end- -5 --x !!!") == Words{"dogs", "'", "end", "-", "-", "5", "--", "x", "!!!"});
  CHECK(split("naïve Ж語-x") == Words{"naïve", "Ж語-x"});
  CHECK(split("“Don’t,” he said — and left… «¿Qué?» 他说。「好」") == Words{"“",   "Don’t", ",",  "”",  "he", "said", "—",
                                                                            "and", "left",  "…",  "«",  "¿",  "Qué",  "?",
                                                                            "»",   "他说",  "。", "「", "好", "」"});
  CHECK(split("Tom’s ’s ’tis a—b x\xE2\x80 \xE2\x80y ’’") ==
        Words{"Tom’s", "’s", "’", "tis", "a", "—", "b", "x\xE2\x80", "\xE2\x80y", "’’"});
  CHECK(split("").empty());
  CHECK(split(" \t\r\n\v\f").empty());
}

TEST_CASE("text that is split already stays as it is") {
  const std::string text =
      "how far is it from st. louis to denver o'clock i'd what's 747 d/s twenty-first ? `` '' 's U.S. $ % ... --";
  std::string again;
  for (const std::string& word : split(text)) again += (again.empty() ? "" : " ") + word;
  CHECK(again == "how far is it from st . louis to denver o'clock i'd what's 747 d / s twenty-first ? `` '' 's U.S. $ % ... --");
  CHECK(split(again).size() == static_cast<size_t>(std::count(again.begin(), again.end(), ' ') + 1));
}

TEST_CASE("pieces stand in order in the text, are what they say, and a text may be cut at the end of any part") {
  std::mt19937 random(7);
  for (const TokenizerKind kind : {TokenizerKind::kCharacter, TokenizerKind::kByte, TokenizerKind::kWord})
    for (const bool bad : {false, true})
      for (int round = 0; round < 60; ++round) {
        const std::string text = random_text(random, 80, bad);
        const auto tokenizer = learn({kind}, {text});
        std::vector<Piece> pieces;
        tokenizer->encode(text, pieces);
        uint32_t last = 0;
        for (const Piece& p : pieces) {
          REQUIRE(last <= p.begin);
          REQUIRE(p.begin < p.end);
          REQUIRE(p.end <= text.size());
          const std::string_view surface(text.data() + p.begin, p.end - p.begin);
          REQUIRE(std::string_view(text).substr(last, p.begin - last).find_first_not_of(" \t\n\r\v\f") == std::string_view::npos);
          if (kind == TokenizerKind::kByte)
            REQUIRE(p.id == static_cast<uint8_t>(surface[0]) + Tokenizer::kSpecialCount);
          else if (p.id != Tokenizer::kUnknown)
            REQUIRE(tokenizer->token(p.id) == surface);
          else
            REQUIRE(decode_utf8(surface, 0).value == CodePoint::kInvalid);
          last = p.end;
        }
        REQUIRE(std::string_view(text).substr(last).find_first_not_of(" \t\n\r\v\f") == std::string_view::npos);
        if (kind != TokenizerKind::kWord && !bad) REQUIRE(tokenizer->decode(ids(pieces)) == text);

        check_parts(*tokenizer, text);
      }
}

TEST_CASE("the most frequent words are kept, equal ones in the order of their bytes") {
  const std::string_view text = "b b b a a c c d e Zz";
  CHECK(tokens(*learn({TokenizerKind::kWord}, {text})) == Words{"b", "a", "c", "Zz", "d", "e"});
  CHECK(tokens(*learn({TokenizerKind::kWord, false, 2}, {text})) == Words{"b", "a", "c"});
  CHECK(tokens(*learn({TokenizerKind::kWord, false, 1, 2}, {text})) == Words{"b", "a"});
  CHECK(tokens(*learn({TokenizerKind::kWord, true, 1, 0}, {text, "zZ"})) == Words{"b", "a", "c", "zz", "d", "e"});
  CHECK(tokens(*learn({TokenizerKind::kCharacter}, {"cbbaé"})) == Words{"a", "b", "c", "é"});
  CHECK(tokens(*learn({TokenizerKind::kCharacter, true, 2, 0}, {"aAbÉé"})) == Words{"a", "é"});
  CHECK(tokens(*learn({TokenizerKind::kCharacter, false, 1, 2}, {"cbbaaz"})) == Words{"a", "b"});
  CHECK(learn({TokenizerKind::kByte}, {"x"})->size() == 260);
  CHECK(learn({TokenizerKind::kWord}, {"the the the"})->size() == 5);
  CHECK(learn({TokenizerKind::kWord}, {""})->size() == 4);
}

TEST_CASE("lower case, unknown words and very long words") {
  const std::string longest(kLongestWord, 'x'), too_long(kLongestWord + 1, 'x');
  const auto tokenizer = learn({TokenizerKind::kWord, true}, {"The Straße " + longest + " " + too_long});
  std::vector<Piece> pieces;
  const std::string text = "THE straSSe STRAßE " + longest + " " + too_long + "!";
  tokenizer->encode(text, pieces);
  REQUIRE(pieces.size() == 6);
  CHECK(pieces[0].id == tokenizer->find("the"));
  CHECK(pieces[1].id == Tokenizer::kUnknown);
  CHECK(pieces[2].id == tokenizer->find("straße"));
  CHECK(pieces[3].id == tokenizer->find(longest));
  CHECK(pieces[3].id != Tokenizer::kUnknown);
  CHECK(pieces[4].id == Tokenizer::kUnknown);
  CHECK(pieces[5].id == Tokenizer::kUnknown);
  CHECK(tokenizer->decode({4, 0, 1}) == std::string(tokenizer->token(4)) + " [UNK] [MASK]");
}

TEST_CASE("[MASK] is text in a corpus and a mask where masks are asked for") {
  for (const TokenizerKind kind : {TokenizerKind::kCharacter, TokenizerKind::kByte, TokenizerKind::kWord}) {
    const std::string text = "the [MASK] sat [CLS]x[SEP]";
    const auto tokenizer = learn({kind}, {text, "[UNK]"});
    std::vector<Piece> plain;
    tokenizer->encode(text, plain);
    for (const Piece& p : plain) CHECK((p.id < 1 || p.id >= Tokenizer::kSpecialCount));

    const std::vector<Piece> pieces = tokenizer->encode_with_masks(text);
    std::vector<std::pair<int32_t, std::string>> special;
    for (const Piece& p : pieces)
      if (p.id < Tokenizer::kSpecialCount) special.emplace_back(p.id, text.substr(p.begin, p.end - p.begin));
    CHECK(special == std::vector<std::pair<int32_t, std::string>>{{1, "[MASK]"}, {2, "[CLS]"}, {3, "[SEP]"}});
    CHECK(std::is_sorted(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) { return a.begin < b.begin; }));
    CHECK(pieces[0].id == plain[0].id);
    CHECK(
        std::any_of(pieces.begin(), pieces.end(), [&](const Piece& p) { return text.substr(p.begin, p.end - p.begin) == "x"; }));
  }
}

TEST_CASE("a tokenizer is found again in its file") {
  const std::string text = "the \"quick\" fox\\ \x01 naïve 語 😀 don't\n";
  for (const TokenizerSettings& settings :
       {TokenizerSettings{TokenizerKind::kWord, true}, TokenizerSettings{TokenizerKind::kWord},
        TokenizerSettings{TokenizerKind::kCharacter}, TokenizerSettings{TokenizerKind::kCharacter, true},
        TokenizerSettings{TokenizerKind::kByte}}) {
    const auto before = learn(settings, {text});
    const auto after = tokenizer_from_json(before->to_json(), "tokenizer.json");
    CHECK(after->kind() == settings.kind);
    CHECK(after->to_json() == before->to_json());
    REQUIRE(after->size() == before->size());
    for (int32_t id = 0; id < before->size(); ++id) {
      CHECK(after->token(id) == before->token(id));
      CHECK(after->find(after->token(id)) == id);
    }
    std::vector<Piece> a, b;
    before->encode("The QUICK fox jumps", a), after->encode("The QUICK fox jumps", b);
    CHECK(ids(a) == ids(b));
  }
}

TEST_CASE("a tokenizer file that is wrong is refused with its reason") {
  const auto message = [](const std::string& json) {
    return error_of(ErrorKind::kData, [&] { tokenizer_from_json(json, "run/tokenizer.json"); });
  };
  const auto file = [](const std::string& rest) { return R"({"format": "vitrine tokenizer", "version": 1, )" + rest + "}"; };
  const std::string special = R"("[UNK]", "[MASK]", "[CLS]", "[SEP]")";
  CHECK_THAT(message("{"), Contains("run/tokenizer.json: not valid JSON"));
  CHECK_THAT(message(""), Contains("not valid JSON"));
  CHECK_THAT(message("[1]"), Contains("not a tokenizer file"));
  CHECK_THAT(message(R"({"format": "other"})"), Contains("not a tokenizer file"));
  CHECK_THAT(message(R"({"format": "vitrine tokenizer", "version": 7})"), Contains("version 7") && Contains("reads version 1"));
  CHECK_THAT(message(file(R"("kind": "piece")")), Contains("\"piece\""));
  CHECK_THAT(message(file(R"("kind": "word", "lowercase": true)")), Contains("\"tokens\" must be a list"));
  CHECK_THAT(message(file(R"("kind": "word", "lowercase": 1, "tokens": [)" + special + "]")), Contains("lowercase"));
  CHECK_THAT(message(file(R"("kind": "word", "lowercase": true, "tokens": ["[UNK]", "a"])")), Contains("token 1 must be [MASK]"));
  CHECK_THAT(message(file(R"("kind": "word", "lowercase": true, "tokens": ["[UNK]"])")), Contains("missing"));
  CHECK_THAT(message(file(R"("kind": "word", "lowercase": true, "tokens": [)" + special + R"(, "a", "a"])")),
             Contains("\"a\", is there twice"));
  CHECK_THAT(message(file(R"("kind": "word", "lowercase": true, "tokens": [)" + special + R"(, 7])")),
             Contains("token 4 is not a string"));
  CHECK_THAT(message(file(R"("kind": "word", "lowercase": true, "tokens": [)" + special + R"(, ""])")),
             Contains("token 4 has 0 bytes"));
  CHECK_THAT(message(file(R"("kind": "character", "lowercase": false, "tokens": [)" + special + R"(, "ab"])")),
             Contains("not one character"));
  CHECK_THAT(message(file("\"kind\": \"word\", \"lowercase\": true, \"tokens\": [" + special + ", \"\xFF\"]")),
             Contains("not valid JSON"));
}
