#include "base/closest.h"

#include <algorithm>

namespace vitrine {

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), previous(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    std::swap(before, previous);
    std::swap(previous, row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

std::string plain(std::string_view word) {
  std::string out(word);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c == '-' ? '_' : c;
  });
  return out;
}

std::string closest(std::string_view word, const std::vector<std::string>& words) {
  if (word.size() > 64) return {};
  const std::string lower = plain(word);
  std::string best;
  size_t fewest = 1 + std::max<size_t>(1, word.size() / 3);
  for (const std::string& candidate : words) {
    const size_t edits = edit_distance(lower, plain(candidate));
    if (edits < fewest && edits < candidate.size()) fewest = edits, best = candidate;
  }
  return best;
}

}  // namespace vitrine
