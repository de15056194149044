#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace vitrine {

struct BertRules {
  bool lowercase = false, strip_accents = false, nfc = false;
  bool operator==(const BertRules&) const = default;
};

// How text falls into words for word_piece, as in BERT (Devlin et al. 2019, tokenization.py: BasicTokenizer), in this order:
//   NFC                  where asked for
//   control characters   (Cc, Cf, Cs, Co but tab and line feed), U+0000, U+FFFD and bytes that are not valid UTF-8 vanish
//   white space          separates, and vanishes
//   CJK ideographs       each is a word
//   accents              where asked for: NFD, and what is a nonspacing mark then (Mn) vanishes
//   lower case           where asked for: of each code point alone
//   punctuation          all of ASCII that is neither letter nor digit, and P*: each mark is a word
// Properties are those of utf8proc's Unicode version.
//
// A word keeps where each of its characters comes from. What vanishes behind a character of a word belongs to it: é is the two bytes of e.
struct BertWord {
  static constexpr int kMost = 100;  // a longer word is [UNK] (max_input_chars_per_word)

  int length = 0;  // in characters; kMost + 1: more than kMost
  std::array<uint32_t, kMost> codes, begins, ends;
  uint32_t begin = 0, end = 0;  // of the whole word
};

// Moves `at` behind the next word; false at the end of the text. Nothing before `at` is looked at.
bool next_bert_word(std::string_view text, size_t& at, const BertRules& rules, BertWord& word);

}  // namespace vitrine
