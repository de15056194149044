#include "data/splits.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/rng.h"

namespace vitrine {

std::vector<char> draw_share(size_t left, double share, size_t total, const std::string& key, const char* what, uint64_t seed,
                             uint32_t row) {
  const auto wanted = static_cast<size_t>(std::llround(share * static_cast<double>(total)));
  if (wanted == 0 || wanted >= left)
    fail(ErrorKind::kData, "{}: a share of {} of {} {} is {}, with {} left to train on", key, share, total, what, wanted,
         left - std::min(wanted, left));
  const RngKey rng = RngKey{seed}.of(Purpose::kSplit);
  std::vector<char> drawn(left);
  // Selection sampling (Knuth, The Art of Computer Programming 2, algorithm 3.4.2 S).
  for (size_t i = 0, done = 0; i < left; ++i) {
    drawn[i] = rng.below(static_cast<uint32_t>(left - i), row, static_cast<uint32_t>(i)) < wanted - done;
    done += drawn[i];
  }
  return drawn;
}

std::vector<std::string> sort_names(const Vocabulary& names, const std::vector<char>& used) {
  std::vector<std::string> sorted;
  for (int32_t i = 0; i < names.size(); ++i)
    if (used[i]) sorted.emplace_back(names[i]);
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

std::vector<int32_t> places_in(const std::vector<std::string>& sorted, const Vocabulary& names) {
  std::vector<int32_t> places(static_cast<size_t>(names.size()), -1);
  for (int32_t i = 0; i < names.size(); ++i) {
    const auto found = std::lower_bound(sorted.begin(), sorted.end(), names[i]);
    if (found != sorted.end() && *found == names[i]) places[i] = static_cast<int32_t>(found - sorted.begin());
  }
  return places;
}

}  // namespace vitrine
