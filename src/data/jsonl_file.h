#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/text_file.h"

namespace vitrine {

// One line of a corpus with its own truth; data/README.md describes the form.
struct JsonlLink {
  std::string name;
  int32_t target = 0;
  std::vector<int32_t> sources;          // ascending
  std::vector<std::string> pair_tokens;  // what stands at the sources of the minimal pair
  std::string pair_target;               // and its answer
  bool attractor = false;
};

struct JsonlLine {
  std::vector<std::string> tokens;
  bool has_targets = false, has_label = false;
  std::vector<std::string> targets;  // as many as tokens; empty: nothing is asked there
  std::string label;
  std::vector<JsonlLink> links;
};

// The line that begins at `at`. Error{kData} names file, line, field and rule.
JsonlLine read_jsonl_line(const TextFile& file, size_t at, std::string_view line);

}  // namespace vitrine
