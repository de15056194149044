#pragma once
#include <cstddef>
#include <string_view>

namespace vitrine {

// How text falls into words. White space (ASCII) separates and is dropped. Then, from left to right, the first rule that fits:
//   1. a clitic: an apostrophe and one or two letters                                           's  'll  't
//   2. an abbreviation: two or more single letters, each with its full stop                     U.S.  p.m.
//   3. a word: letters, digits, all that is neither white space nor punctuation; inside, between two of these, also apostrophe,
//      hyphen, full stop, underscore and &, and between two digits , : /                       don't  AT&T  7:30  3,000
//   4. a run of one punctuation mark                                                           ?  ...  ``
// Punctuation is that of ASCII, ¡ « » ¿, that of U+2010 … U+205E (dashes, curly quotes), and the common marks of East Asia.
// Whatever is tokenised already, with spaces around punctuation, stays as it is, except that a single full stop comes off ("St.").
// The rules never look back, so the rest of a text, cut between two words, falls into the same words.
//
// Moves `at` past the next word, which is text[begin … at); false at the end of the text.
bool next_word(std::string_view text, size_t& at, size_t& begin);

}  // namespace vitrine
