#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "data/vocabulary.h"

namespace vitrine {

// Which of `left` sequences a split takes that asks for a share of `total`: round(share · total) of them, drawn by seed. `row` tells
// draws apart, `what` are they ("lines"). Error{kData} where that is none, or all.
std::vector<char> draw_share(size_t left, double share, size_t total, const char* key, const char* what, uint64_t seed,
                             uint32_t row);

// Moves those out of `all`; both parts stay in their order.
template <class T>
std::vector<T> take_share(std::vector<T>& all, double share, size_t total, const char* key, const char* what, uint64_t seed,
                          uint32_t row) {
  const std::vector<char> drawn = draw_share(all.size(), share, total, key, what, seed, row);
  std::vector<T> taken, rest;
  for (size_t i = 0; i < all.size(); ++i) (drawn[i] ? taken : rest).push_back(all[i]);
  all = std::move(rest);
  return taken;
}

// Those of `names` that `used` marks, sorted: the classes of a training split.
std::vector<std::string> sort_names(const Vocabulary& names, const std::vector<char>& used);
// Where each of `names` stands in a sorted list; −1: nowhere.
std::vector<int32_t> places_in(const std::vector<std::string>& sorted, const Vocabulary& names);

}  // namespace vitrine
