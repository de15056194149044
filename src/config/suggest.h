#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/closest.h"

namespace vitrine {

// The key's path today under which people coming from other programs look for `word` ("lr" → "optimizer.learning_rate"); else empty.
std::string renamed(std::string_view word);

// The same for values: other programs' word for one of `words` ("mlm" → "masked_lm"), or the nearest of them; else empty.
std::string meant(std::string_view word, const std::vector<std::string>& words);

std::string list_text(const std::vector<std::string>& words, std::string_view last);  // `a`, `b` and `c`

}  // namespace vitrine
