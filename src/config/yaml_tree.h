#pragma once
#include <optional>
#include <string>
#include <vector>

#include "config/source.h"

namespace vitrine {

// A YAML value with its place. Scalars stay text: what a text means is decided by the key that reads it, so that no value is ever
// converted silently (010, yes, "7").
struct Node {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  Mark place;
  std::string text;  // of a scalar
  bool quoted = false;
  std::vector<Node> keys;   // of a map: scalars, all different; keys[i] names items[i]
  std::vector<Node> items;  // of a list or a map

  std::string spelled() const;  // for messages: 7, "7", a list, a map, nothing
};

// The one place that knows yaml-cpp. It accepts a subset that has a single reading: one document, no anchors, aliases or tags, no
// duplicate keys, every scalar on one line, at most 32 levels and 1 MiB. What else is found goes to `diagnostics`; without a tree
// nothing is returned.
std::optional<Node> parse_yaml(const std::string& text, int source, Diagnostics& diagnostics);

}  // namespace vitrine
