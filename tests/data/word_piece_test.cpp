#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "data/learn.h"
#include "data/tokenizer/bert_words.h"
#include "data/utf8.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

using namespace vitrine;
using Catch::Matchers::Contains;

namespace {

using Words = std::vector<std::string>;

TokenizerSettings word_piece(int64_t vocabulary_size, BertRules rules = {}, int64_t min_count = 1) {
  TokenizerSettings settings{TokenizerKind::kWordPiece};
  settings.vocabulary_size = vocabulary_size;
  settings.min_count = min_count;
  settings.lowercase = rules.lowercase, settings.strip_accents = rules.strip_accents, settings.nfc = rules.nfc;
  return settings;
}

constexpr BertRules kCased{}, kUncased{true, true, false}, kNfc{false, false, true}, kLower{true, false, false};

// Words as they are after the rules; [… where they come from …] is checked beside.
Words words(std::string_view text, const BertRules& rules) {
  Words out;
  BertWord word;
  for (size_t at = 0; next_bert_word(text, at, rules, word);) {
    out.emplace_back();
    for (int i = 0; i < std::min(word.length, BertWord::kMost); ++i) append_utf8(out.back(), word.codes[static_cast<size_t>(i)]);
  }
  return out;
}

Words sources(std::string_view text, const BertRules& rules) {
  Words out;
  BertWord word;
  for (size_t at = 0; next_bert_word(text, at, rules, word);) out.emplace_back(text.substr(word.begin, word.end - word.begin));
  return out;
}

const std::string kSpecial = "[UNK]\n[MASK]\n[CLS]\n[SEP]\n";

std::unique_ptr<Tokenizer> of_vocabulary(std::string_view text, const BertRules& rules = {}) {
  TemporaryFolder folder;
  write_file_atomically(folder / "vocab.txt", text);
  TokenizerSettings settings = word_piece(8000, rules);
  settings.file = folder / "vocab.txt";
  return make_tokenizer_builder(settings)->build();
}

}  // namespace

// Expected: the tokenizers package, version 0.23.3, BertNormalizer and BertPreTokenizer.
TEST_CASE("text falls into words as in BERT") {
  CHECK(words("Hello, World! it's U.S.-made", kCased) ==
        Words{"Hello", ",", "World", "!", "it", "'", "s", "U", ".", "S", ".", "-", "made"});
  CHECK(words("Ünïcode ÀÉÎ Straße ŁÓDŹ", kUncased) == Words{"unicode", "aei", "straße", "łodz"});
  CHECK(words("Ünïcode ÀÉÎ Straße ŁÓDŹ ΣΑΣ", kLower) == Words{"ünïcode", "àéî", "straße", "łódź", "σασ"});
  CHECK(words("ab\x01"
              "c\u200Bd\u00ADe\tf\ng\rh\vi\u2028j",
              kCased) == Words{"abcde", "f", "g", "hi", "j"});
  CHECK(words("abc语言x日本 カタ 한국", kCased) == Words{"abc", "语", "言", "x", "日", "本", "カタ", "한국"});
  CHECK(words("x\u00BFy\u2014z\u3002「w」 $5+6=11 ^_^ ~", kCased) ==
        Words{"x", "¿", "y", "—", "z", "。", "「", "w", "」", "$", "5", "+", "6", "=", "11", "^", "_", "^", "~"});
  CHECK(words("İstanbul", kLower) == Words{"i\u0307stanbul"});
  CHECK(words("İstanbul", kUncased) == Words{"istanbul"});
  CHECK(words("a\u2260b \u037E \u1FEF", kUncased) == Words{"a", "=", "b", ";", "`"});
  CHECK(words("한", kUncased) == Words{"\u1112\u1161\u11ab"});
  CHECK(words("ガ", kUncased) == Words{"カ"});
  CHECK(words("x\xFFy \xC3 \xEF\xBF\xBDz", kCased) == Words{"xy", "z"});
  CHECK(words("", kCased).empty());
  CHECK(words(" \t\u3000\u0301\xFF", kUncased).empty());
}

TEST_CASE("NFC comes before all other rules, where it is asked for") {
  CHECK(words("e\u0301 a\u0323\u0302 q\u0302\u0323", kNfc) == Words{"é", "ậ", "q\u0323\u0302"});
  CHECK(words("\u1112\u1161\u11ab \u212B \u2126", kNfc) == Words{"한", "Å", "Ω"});
  CHECK(words("<\u0338x .\u0301y", kNfc) == Words{"\u226Ex", ".", "\u0301y"});
  CHECK(words("e\u0301", kCased) == Words{"e\u0301"});
  CHECK(words("\uF900x", kNfc) == Words{"\u8C48", "x"});
  BertRules all{true, true, true};
  CHECK(words("E\u0301cole", all) == Words{"ecole"});
}

TEST_CASE("a word says where it comes from, with what vanished in it") {
  CHECK(sources("  É́cole, x\u200By! e\u0301", kUncased) == Words{"É́cole", ",", "x\u200By", "!", "e\u0301"});
  const auto tokenizer = of_vocabulary(kSpecial + "e\n##co\n##le\n", kUncased);
  const std::string text = "-- e\u0301c\u200Bo\u0302l\u0301e\u0301";
  std::vector<std::string> parts;
  for (const Piece& p : pieces_of(*tokenizer, text)) parts.push_back(text.substr(p.begin, p.end - p.begin));
  CHECK(parts == Words{"-", "-", "e\u0301", "c\u200Bo\u0302", "l\u0301e\u0301"});
}

// The example of BERT's tokenization_test.py: unwanted running.
TEST_CASE("a word is cut into the longest pieces from left to right, or is unknown") {
  const auto tokenizer = of_vocabulary(kSpecial + "want\n##want\n##ed\nwa\nun\nrunn\n##ing\n##nt\n");
  CHECK(names_of(*tokenizer, pieces_of(*tokenizer, "want")) == Words{"want"});  // not wa, ##nt
  CHECK(names_of(*tokenizer, pieces_of(*tokenizer, "")).empty());
  CHECK(names_of(*tokenizer, pieces_of(*tokenizer, "unwanted running")) == Words{"un", "##want", "##ed", "runn", "##ing"});
  CHECK(names_of(*tokenizer, pieces_of(*tokenizer, "unwantedX running")) == Words{"[UNK]", "runn", "##ing"});
  const std::vector<Piece> pieces = pieces_of(*tokenizer, "unwantedX running");
  CHECK((pieces[0].begin == 0 && pieces[0].end == 9));
  CHECK((pieces[2].begin == 14 && pieces[2].end == 17));
  CHECK(tokenizer->find("##want") == 5);
  CHECK(tokenizer->find("nothing") == Tokenizer::kUnknown);
  CHECK(tokenizer->decode(ids(pieces_of(*tokenizer, "unwanted running"))) == "unwanted running");
}

TEST_CASE("a word of more than a hundred characters is unknown") {
  const auto tokenizer = of_vocabulary(kSpecial + "é\n##é\n");
  std::string word;
  for (int i = 0; i < 100; ++i) word += "é";
  CHECK(pieces_of(*tokenizer, word).size() == 100);
  const std::vector<Piece> pieces = pieces_of(*tokenizer, word + "é é");
  REQUIRE(pieces.size() == 2);
  CHECK(pieces[0] == Piece{Tokenizer::kUnknown, 0, 202});
  CHECK(pieces[1] == Piece{4, 203, 205});
}

TEST_CASE("word_piece learns its characters, the frequent first, and joins the frequent pairs") {
  const auto tokenizer = learn(word_piece(1000), {"low low low lower lower newest newest newest newest"});
  CHECK(tokens(*tokenizer)[0] == "##e");   // ten times; then l, n, r, o, s, t, w
  CHECK(tokens(*tokenizer)[8] == "##we");  // twice in lower, four times in newest
  CHECK(names_of(*tokenizer, pieces_of(*tokenizer, "low lowest new")) == Words{"low", "low", "##e", "##st", "n", "##e", "##w"});
  const auto few = learn(word_piece(8), {"aab aab aab b"});
  CHECK(tokens(*few) == Words{"##a", "##b", "a", "b"});
  const auto fewer = learn(word_piece(6), {"aab aab aab b"});
  CHECK(tokens(*fewer) == Words{"##a", "##b"});
  CHECK(names_of(*fewer, pieces_of(*fewer, "aab")) == Words{"[UNK]"});
  CHECK(tokens(*learn(word_piece(100, {}, 2), {"aab aab aab b"})) == Words{"##a", "##b", "a", "##ab", "aab"});
  CHECK(learn(word_piece(100), {""})->size() == 4);
  CHECK(names_of(*learn(word_piece(100, kUncased), {"École"}),
                 pieces_of(*learn(word_piece(100, kUncased), {"École"}), "ecole")) == Words{"ecole"});
}

TEST_CASE("pieces of word_piece stand in order in the text, with white space and what vanishes between them") {
  std::mt19937 random(17);
  for (const BertRules& rules : {kCased, kUncased, kNfc, kLower, BertRules{true, true, true}}) {
    const auto tokenizer = learn(word_piece(60, rules), {random_text(random, 500, false)});
    for (int round = 0; round < 200; ++round) {
      std::string text = random_text(random, 60, round % 2 == 1);
      for (int i = 0; i < 5; ++i) text.insert(random() % text.size(), round % 4 < 2 ? "\u0301" : "\u0338");
      check_parts(*tokenizer, text);
      const std::vector<Piece> pieces = pieces_of(*tokenizer, text);
      uint32_t last = 0;
      for (const Piece& p : pieces) {
        REQUIRE(last <= p.begin);
        REQUIRE(p.begin < p.end);
        const std::string_view gap = std::string_view(text).substr(last, p.begin - last);
        for (const char c : gap)  // white space, what is no text, and accents without a letter
          REQUIRE((c == ' ' || (c >= 1 && c <= '\r') || static_cast<uint8_t>(c) >= 0x7F || static_cast<uint8_t>(c) < 32));
        REQUIRE(words(gap, rules).empty());
        last = p.end;
      }
      REQUIRE(last <= text.size());
    }
  }
}

TEST_CASE("[MASK] is three words for word_piece, unless masks are asked for") {
  const auto tokenizer = learn(word_piece(60), {"the [MASK] sat [UNK]"});
  for (const Piece& p : pieces_of(*tokenizer, "the [MASK] sat [UNK]")) CHECK(p.id >= Tokenizer::kSpecialCount);
  const auto pieces = tokenizer->encode_with_masks("the [MASK] sat");
  CHECK(names_of(*tokenizer, pieces) == Words{"the", "[MASK]", "sat"});
  CHECK(pieces[1] == Piece{Tokenizer::kMask, 4, 10});
}

TEST_CASE("a word_piece tokenizer is found again in its file") {
  std::mt19937 random(4);
  for (const BertRules& rules : {kCased, kUncased, kNfc, kLower, BertRules{true, true, true}}) {
    const auto before = learn(word_piece(90, rules), {"naïve Café CAFÉ 语言", random_text(random, 400, false)});
    const auto after = tokenizer_from_json(before->to_json(), "tokenizer.json");
    CHECK(after->kind() == TokenizerKind::kWordPiece);
    CHECK(after->to_json() == before->to_json());
    REQUIRE(after->size() == before->size());
    for (int round = 0; round < 20; ++round) {
      const std::string text = random_text(random, 60, false) + "e\u0301É";
      REQUIRE(pieces_of(*after, text) == pieces_of(*before, text));
    }
  }
}

TEST_CASE("BERT's vocab.txt: ids are lines, special tokens move to the front") {
  const auto tokenizer = of_vocabulary("[PAD]\n[unused0]\n[unused1]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\r\n##s\n", kUncased);
  CHECK(tokens(*tokenizer) == Words{"[PAD]", "[unused0]", "[unused1]", "the", "##s"});  // the others stay in order
  CHECK(tokenizer->token(Tokenizer::kMask) == "[MASK]");
  CHECK(names_of(*tokenizer, pieces_of(*tokenizer, "Thes [PAD]")) == Words{"the", "##s", "[UNK]", "[UNK]", "[UNK]"});
  const auto message = [](std::string_view text) { return error_of(ErrorKind::kData, [&] { of_vocabulary(text); }); };
  CHECK_THAT(message(""), Contains("vocab.txt: an empty file"));
  CHECK_THAT(message("[MASK]\n[CLS]\n[SEP]\nthe\n"), Contains("vocab.txt: the special token [UNK] is not in the vocabulary"));
  CHECK_THAT(message(kSpecial + "a\nb\na\n"), Contains("vocab.txt:7: token \"a\" stands in line 5 already"));
  CHECK_THAT(message(kSpecial + "a\n\nb\n"), Contains("vocab.txt:6: an empty line"));
  CHECK_THAT(message(kSpecial + "a\n\xFF\n"), Contains("vocab.txt:6"));
}

TEST_CASE("a file of another kind than the configuration's is refused") {
  TemporaryFolder folder;
  const auto build = [&](TokenizerKind kind, std::string_view text) {
    write_file_atomically(folder / "file", text);
    TokenizerSettings settings{kind};
    settings.file = folder / "file";
    return make_tokenizer_builder(settings)->build();
  };
  const std::string json = learn(word_piece(30), {"a b"})->to_json();
  CHECK(build(TokenizerKind::kWordPiece, json)->to_json() == json);
  CHECK_THAT(error_of(ErrorKind::kData, [&] { build(TokenizerKind::kBytePair, json); }),
             Contains("a tokenizer of kind word_piece, and tokenizer.kind is byte_pair"));
  CHECK_THAT(error_of(ErrorKind::kData, [&] { build(TokenizerKind::kBytePair, kSpecial); }), Contains("not a tokenizer.json"));
  CHECK_THAT(error_of(ErrorKind::kData, [&] { build(TokenizerKind::kWordPiece, "{"); }), Contains("not valid JSON"));
}

TEST_CASE("a tokenizer.json of word_piece with parts that are not supported is refused by their names") {
  using Json = nlohmann::json;
  const Json good = Json::parse(learn(word_piece(30, kUncased), {"aab aab"})->to_json());
  const auto read = [&](const char* patch) {
    Json file = good;
    file.merge_patch(Json::parse(patch));
    return tokenizer_from_json(file.dump(), "t.json");
  };
  const auto message = [&](const char* patch) { return error_of(ErrorKind::kData, [&] { read(patch); }); };
  CHECK_THAT(message(R"({"normalizer": null})"), Contains("normalizer null is not supported"));
  CHECK_THAT(message(R"({"normalizer": {"type": "Lowercase"}})"), Contains("normalizer Lowercase is not supported"));
  CHECK_THAT(message(R"({"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFKC"}, {"type": "BertNormalizer"}]}})"),
             Contains("normalizer Sequence is not supported"));
  CHECK_THAT(message(R"({"normalizer": {"clean_text": false}})"), Contains("\"clean_text\" of the normalizer BertNormalizer"));
  CHECK_THAT(message(R"({"normalizer": {"handle_chinese_chars": false}})"), Contains("\"handle_chinese_chars\""));
  CHECK_THAT(message(R"({"pre_tokenizer": {"type": "Whitespace"}})"), Contains("pre_tokenizer Whitespace is not supported"));
  CHECK_THAT(message(R"({"model": {"unk_token": "<unk>"}})"), Contains("\"unk_token\" of the model WordPiece is \"<unk>\""));
  CHECK_THAT(message(R"({"model": {"continuing_subword_prefix": "@@"}})"), Contains("\"continuing_subword_prefix\""));
  CHECK_THAT(message(R"({"model": {"max_input_chars_per_word": 50}})"), Contains("\"max_input_chars_per_word\""));
  CHECK_THAT(message(R"({"decoder": {"type": "BPEDecoder"}})"), Contains("decoder BPEDecoder is not supported"));
  CHECK_THAT(message(R"({"post_processor": {"type": "Sequence"}})"), Contains("post_processor Sequence is not supported"));
  CHECK(names_of(*read(R"({"normalizer": {"strip_accents": null}})"), pieces_of(*read("{}"), "ÁÁB")) == Words{"aab"});
}
