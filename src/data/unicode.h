#pragma once
#include <array>
#include <cstdint>
#include <span>

namespace vitrine {

// Properties of code points, by utf8proc's copy of the Unicode Character Database. CodePoint::kInvalid and what is no code point have none
// of them.
bool is_letter(uint32_t code);           // general categories L*
bool is_number(uint32_t code);           // N*
bool is_white_space(uint32_t code);      // the property White_Space
bool is_punctuation(uint32_t code);      // P*
bool is_mark(uint32_t code);             // M*
bool is_nonspacing_mark(uint32_t code);  // Mn
bool is_control(uint32_t code);          // Cc, Cf, Cs, Co
int combining_class(uint32_t code);
uint32_t unicode_lower_case(
    uint32_t code);  // simple lower case of any script; lower_case() of data/utf8.h keeps the number of bytes

// The canonical decomposition of one code point (Unicode Standard Annex 15, NFD), in `buffer`.
using Decomposition = std::array<uint32_t, 32>;
std::span<const uint32_t> decompose(uint32_t code, Decomposition& buffer);
// Composes a sequence in NFD, in place: NFC. Returns how many are left.
size_t compose(std::span<uint32_t> codes);

}  // namespace vitrine
