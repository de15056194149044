#pragma once
#include <cstddef>
#include <string_view>

namespace vitrine {

// How byte_pair cuts text before it learns or applies merges: the parts that GPT-2's expression finds (Radford et al. 2019, encoder.py),
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// so that a word carries the space before it and no byte is lost. A byte that is not valid UTF-8 is neither \s, \p{L} nor \p{N}. A part
// of more than kLongestPretoken bytes, which that expression would keep whole, is cut there, between two characters.
constexpr size_t kLongestPretoken = 4096;

// The end of the part that begins at `at` < text.size(). Nothing before `at` is looked at.
size_t pretoken_end(std::string_view text, size_t at);

}  // namespace vitrine
