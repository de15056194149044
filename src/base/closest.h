#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace vitrine {

// Insertions, deletions, substitutions and swaps of neighbours that turn one word into the other (Damerau 1964, Levenshtein 1966;
// the restricted form: nothing is edited twice).
size_t edit_distance(std::string_view a, std::string_view b);

// A word as names are compared: in lower case, with _ for -.
std::string plain(std::string_view word);

// The nearest of the words, if it is near enough to be what was meant; else empty.
std::string closest(std::string_view word, const std::vector<std::string>& words);

}  // namespace vitrine
