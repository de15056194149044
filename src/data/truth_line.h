#pragma once
#include <string>

#include "data/dataset.h"

namespace vitrine {

// Example i of a split with all that is known about it, as one line of JSON without its '\n': the form that data/README.md describes.
std::string truth_line(const Corpus& corpus, const Dataset& split, int64_t i);

}  // namespace vitrine
