#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace vitrine {

// Insertions, deletions, substitutions and swaps of neighbours that turn one word into the other (Damerau 1964, Levenshtein 1966;
// the restricted form: nothing is edited twice).
size_t edit_distance(std::string_view a, std::string_view b);

// The nearest of the words, if it is near enough to be what was meant; else empty.
std::string closest(std::string_view word, const std::vector<std::string>& words);

// The key's path today under which people coming from other programs look for `word` ("lr" → "optimizer.learning_rate"); else empty.
std::string renamed(std::string_view word);

// The same for values: other programs' word for one of `words` ("mlm" → "masked_lm"), or the nearest of them; else empty.
std::string meant(std::string_view word, const std::vector<std::string>& words);

std::string list_text(const std::vector<std::string>& words, std::string_view last);  // `a`, `b` and `c`

}  // namespace vitrine
