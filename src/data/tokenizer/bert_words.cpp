#include "data/tokenizer/bert_words.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "data/unicode.h"
#include "data/utf8.h"

namespace vitrine {
namespace {

enum class Class : uint8_t { kWord, kSpace, kAlone, kGone };

constexpr bool is_ideograph(uint32_t c) {
  constexpr std::pair<uint32_t, uint32_t> kBlocks[] = {{0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAFF},
                                                       {0x20000, 0x2A6DF}, {0x2A700, 0x2B73F}, {0x2B740, 0x2B81F},
                                                       {0x2B920, 0x2CEAF}, {0x2F800, 0x2FA1F}};  // U+2B820 … U+2B91F are not
  return std::any_of(std::begin(kBlocks), std::end(kBlocks), [c](const auto& b) { return c >= b.first && c <= b.second; });
}

constexpr std::array<Class, 128> make_ascii() {
  std::array<Class, 128> classes{};
  for (int c = 0; c < 128; ++c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    const bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    classes[c] = space ? Class::kSpace : letter ? Class::kWord : c < ' ' || c == 0x7F ? Class::kGone : Class::kAlone;
  }
  return classes;
}
constexpr std::array<Class, 128> kAscii = make_ascii();

// Of a code point before accents are stripped; those that are punctuation only then are found later.
Class class_of(uint32_t code) {
  if (code < 128) return kAscii[code];
  if (code == CodePoint::kInvalid || code == 0xFFFD || is_control(code)) return Class::kGone;
  if (is_white_space(code)) return Class::kSpace;
  return is_ideograph(code) || is_punctuation(code) ? Class::kAlone : Class::kWord;
}

class Reader {
 public:
  Reader(std::string_view text, const BertRules& rules, BertWord& word) : text_(text), rules_(rules), word_(word) {}

  bool next(size_t& at) {
    word_.length = 0;
    word_.end = 0;
    for (; at < text_.size(); at += unit_bytes_) {
      read_unit(at);
      const Class type = class_of(unit_[0]);
      if (type == Class::kGone) continue;
      const bool alone = type == Class::kAlone || (type == Class::kWord && becomes_punctuation(unit_[0]));
      if (word_.length > 0 && (alone || type == Class::kSpace)) return true;
      if (type == Class::kSpace) continue;
      for (size_t i = 0; i < unit_size_; ++i) add(unit_[i], at);
      if (word_.length > 0) word_.end = static_cast<uint32_t>(at + unit_bytes_);
      if (alone && word_.length > 0) return at += unit_bytes_, true;
    }
    return word_.length > 0;
  }

 private:
  // One code point, or, for NFC, all that may become one: the marks behind it, and the jamo of a syllable.
  void read_unit(size_t at) {
    const CodePoint first = decode_utf8(text_, at);
    unit_[0] = first.value, unit_size_ = 1, unit_bytes_ = first.bytes;
    if (!rules_.nfc || first.value == CodePoint::kInvalid) return;
    size_t end = at + first.bytes, marks = 0;
    while (end < text_.size() && static_cast<uint8_t>(text_[end]) >= 0x80 && marks < kMostMarks) {
      const CodePoint c = decode_utf8(text_, end);
      if (!is_mark(c.value) && (c.value < 0x1160 || c.value > 0x11FF)) break;
      end += c.bytes, ++marks;
    }
    if (first.value < 0x80 && marks == 0) return;
    compose_unit(at, end);
    if (class_of(unit_[0]) == Class::kWord || marks == 0) return void(unit_bytes_ = end - at);
    unit_size_ = 1;  // a mark alone; what stands behind it is a word of its own
  }

  void compose_unit(size_t at, size_t end) {
    Decomposition buffer;
    unit_size_ = 0;
    for (CodePoint c; at < end; at += c.bytes) {
      c = decode_utf8(text_, at);
      for (const uint32_t code : decompose(c.value, buffer)) place(unit_.data(), unit_size_++, code);
    }
    unit_size_ = compose({unit_.data(), unit_size_});
  }

  // Canonical ordering: marks by rising combining class, equal ones as they come (Unicode Standard, D109). Returns the place.
  static size_t place(uint32_t* codes, size_t at, uint32_t code) {
    const int order = combining_class(code);
    for (; order > 0 && at > 0 && combining_class(codes[at - 1]) > order; --at) codes[at] = codes[at - 1];
    codes[at] = code;
    return at;
  }

  bool becomes_punctuation(uint32_t code) const {
    if (!rules_.strip_accents || code < 128) return false;
    Decomposition buffer;
    const uint32_t base = decompose(code, buffer)[0];
    return base < 128 ? kAscii[base] == Class::kAlone : is_punctuation(base);
  }

  void add(uint32_t code, size_t at) {
    if (code < 128) return push(rules_.lowercase ? lower_case(code) : code, at);
    if (!rules_.strip_accents) return lower_and_push(code, at);
    Decomposition buffer;
    for (const uint32_t part : decompose(code, buffer)) {
      if (!is_nonspacing_mark(part))
        lower_and_push(part, at);
      else if (word_.length > 0 && word_.length <= BertWord::kMost)
        word_.ends[word_.length - 1] = static_cast<uint32_t>(at + unit_bytes_);
    }
  }

  void lower_and_push(uint32_t code, size_t at) {
    if (rules_.lowercase && code == 0x130) return push('i', at), push(0x307, at);  // İ, the only one that becomes two
    push(rules_.lowercase ? unicode_lower_case(code) : code, at);
  }

  void push(uint32_t code, size_t at) {
    if (word_.length == 0) word_.begin = static_cast<uint32_t>(at);
    if (word_.length >= BertWord::kMost) return void(word_.length = BertWord::kMost + 1);
    const auto n = static_cast<size_t>(word_.length++);
    word_.begins[n] = static_cast<uint32_t>(at), word_.ends[n] = static_cast<uint32_t>(at + unit_bytes_);
    word_.codes[n] = code;
    if (!rules_.strip_accents || code < 0x300) return;
    // NFD's order of the marks that stay; those that change places share their bytes.
    for (size_t i = place(word_.codes.data(), n, code); i < n; ++i)
      word_.begins[n] = word_.begins[i], word_.ends[i] = word_.ends[n];
  }

  static constexpr size_t kMostMarks = 30;  // Unicode Standard Annex 15, stream-safe text

  std::string_view text_;
  const BertRules& rules_;
  BertWord& word_;
  std::array<uint32_t, (kMostMarks + 1) * 4> unit_;  // a canonical decomposition has at most 4 code points
  size_t unit_size_ = 0, unit_bytes_ = 0;
};

}  // namespace

bool next_bert_word(std::string_view text, size_t& at, const BertRules& rules, BertWord& word) {
  return Reader(text, rules, word).next(at);
}

}  // namespace vitrine
