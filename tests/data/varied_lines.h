#pragma once
#include <cstdint>
#include <string>

#include "data/utf8.h"

namespace vitrine {

// Lines of many scripts, by a rule that scripts/make_tokenizer_golden.py has, too: line i is the same in both. Code points are those whose
// properties the Unicode versions of all concerned agree on.
class VariedLines {
 public:
  static std::string line(uint64_t i) {
    VariedLines lines(i * 0x632BE59BD9B4E019u + 1);
    std::string out;
    const uint64_t units = 1 + lines.below(24);
    for (uint64_t u = 0; u < units; ++u) lines.append_unit(out);
    return out;
  }

 private:
  explicit VariedLines(uint64_t state) : state_(state) {}

  // splitmix64 (Steele et al. 2014)
  uint64_t below(uint64_t n) {
    uint64_t z = state_ += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return (z ^ z >> 31) % n;
  }
  template <class List>
  const auto& one_of(const List& list) {
    return list[below(std::size(list))];
  }

  void append_unit(std::string& out) {
    static const char* const syllables[] = {"the", "ing", "re",  "un",  "ed", "S",   "Th",    "a",
                                            "low", "er",  "new", "est", "'s", "'ll", "don't", "12"};
    static const char* const spaces[] = {"  ", "\n", "\t", "\u00A0", "\u3000", " \n ", "\u200B", "\u2028"};
    static const char* const literals[] = {"[MASK]", " [MASK]", "[CLS]", "[SEP]", "##", "##the"};
    static const std::string punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
    static constexpr uint32_t blocks[][2] = {
        {0x20, 0x7E},       {0xA0, 0x17F},      {0x391, 0x3A1},     {0x3A3, 0x3CE},     {0x400, 0x45F},     {0x5D0, 0x5EA},
        {0x620, 0x64A},     {0x64B, 0x652},     {0x660, 0x669},     {0x905, 0x939},     {0x93E, 0x94D},     {0xE01, 0xE3A},
        {0x1100, 0x1112},   {0x1161, 0x1175},   {0x11A8, 0x11C2},   {0x1E00, 0x1EFF},   {0x2000, 0x2064},   {0x20A0, 0x20BD},
        {0x2100, 0x214F},   {0x2150, 0x2189},   {0x2190, 0x22FF},   {0x2500, 0x257F},   {0x3000, 0x303F},   {0x3041, 0x3096},
        {0x3099, 0x30FF},   {0x3400, 0x4DB5},   {0x4E00, 0x9FA5},   {0xAC00, 0xD7A3},   {0xF900, 0xFA2D},   {0xFF01, 0xFF5E},
        {0x1D15E, 0x1D172}, {0x1D400, 0x1D454}, {0x1F300, 0x1F5FF}, {0x20000, 0x2A6D6}, {0x2F800, 0x2FA1D}, {0x00, 0x1F},
        {0x7F, 0x9F},       {0xFFFC, 0xFFFD},   {0xE000, 0xE010},   {0x9BE, 0x9BE},     {0x9C7, 0x9C7}};
    const uint64_t kind = below(16);
    if (kind < 5) {
      for (uint64_t n = 1 + below(3); n > 0; --n) out += one_of(syllables);
    } else if (kind < 8) {
      out += ' ';
    } else if (kind == 8) {
      out += one_of(spaces);
    } else if (kind == 9) {
      out += one_of(punctuation);
    } else if (kind < 14) {
      const auto& block = one_of(blocks);
      for (uint64_t n = 1 + below(3); n > 0; --n)
        append_utf8(out, block[0] + static_cast<uint32_t>(below(block[1] - block[0] + 1)));
    } else if (kind == 14) {
      append_utf8(out, 0x300 + static_cast<uint32_t>(below(0x70)));
    } else {
      out += one_of(literals);
    }
  }

  uint64_t state_;
};

}  // namespace vitrine
