#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace vitrine {

// What the right answer depends on, known by construction. Only the tokens `sources` decide the feature of the target, a masked
// token or a tag; without them every value that is possible at all is as likely as the others (of a synthetic task see
// data/tasks/task.h). The minimal pair changes the sources only, and with them the answer. The target is none of its sources.
struct LinkClass {
  std::string name;                             // "subject-verb number"
  std::vector<std::string> values;              // "singular", "plural"; or the names
  std::vector<std::vector<int32_t>> tokens;     // of each value: the tokens that carry it, and no other value
  std::vector<std::vector<int32_t>> tags = {};  // … the tags; empty where no tags are predicted
};

struct Link {
  int32_t link_class = 0;             // in Corpus::link_classes
  int32_t target = 0;                 // position of the masked or tagged token, before [CLS] as all positions here
  std::vector<int32_t> sources;       // positions
  int32_t value = 0, pair_value = 0;  // of the feature, here and in the pair
  std::vector<int32_t> pair;          // tokens of the minimal pair, masked as this one, of the same length
  bool attractor = false;             // nearer to the target than the sources stands a token that says another value
};

}  // namespace vitrine
