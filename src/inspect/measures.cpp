#include "inspect/measures.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "data/tokenizer.h"
#include "data/unicode.h"
#include "data/utf8.h"

namespace vitrine {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t kContentQueries = 10;

// A mean that may be of nothing.
struct Mean {
  double sum = 0;
  int64_t count = 0;
  void add(double x) { sum += x, ++count; }
  double value() const { return count > 0 ? sum / static_cast<double>(count) : kNothing; }
};

bool follows(AttentionPattern pattern, int64_t i, int64_t j, std::span<const int32_t> tokens,
             const std::vector<bool>& punctuation) {
  const int32_t query = tokens[static_cast<size_t>(i)], key = tokens[static_cast<size_t>(j)];
  switch (pattern) {
    case AttentionPattern::kSelf: return j == i;
    case AttentionPattern::kPrevious: return j == i - 1;
    case AttentionPattern::kNext: return j == i + 1;
    case AttentionPattern::kSameToken: return j != i && key == query && query >= Tokenizer::kSpecialCount;
    case AttentionPattern::kCls: return key == Tokenizer::kCls;
    case AttentionPattern::kSep: return key == Tokenizer::kSep;
    case AttentionPattern::kPunctuation: return punctuation[static_cast<size_t>(j)];
  }
  return false;
}

}  // namespace

int64_t VisibleKeys::count(HeadMap map, int64_t i) const {
  int64_t n = 0;
  for (int64_t j = 0; j < map.length; ++j) n += sees(map, i, j) ? 1 : 0;
  return n;
}

VisibleKeys visible_keys(const AttentionSettings& s, int64_t head) {
  return {s.causal, s.kind == AttentionKind::kLocal ? s.window_of(head) : -1, s.kind == AttentionKind::kBlockSparse};
}

double entropy_of(std::span<const double> p) {
  double sum = 0;
  for (const double x : p)
    if (x > 0) sum -= x * std::log(x);
  return sum;
}

double entropy(HeadMap map, VisibleKeys visible) {
  Mean mean;
  for (int64_t i = 0; i < map.length; ++i)
    if (const int64_t keys = visible.count(map, i); keys > 1)
      mean.add(entropy_of(map.row(i)) / std::log(static_cast<double>(keys)));
  return mean.value();
}

double distance(HeadMap map) {
  Mean mean;
  for (int64_t i = 0; i < map.length; ++i) {
    double sum = 0;
    for (int64_t j = 0; j < map.length; ++j) sum += map.at(i, j) * static_cast<double>(std::abs(i - j));
    mean.add(sum);
  }
  return mean.value();
}

double uniform_distance(HeadMap map, VisibleKeys visible) {
  Mean mean;
  for (int64_t i = 0; i < map.length; ++i) {
    Mean row;
    for (int64_t j = 0; j < map.length; ++j)
      if (visible.sees(map, i, j)) row.add(static_cast<double>(std::abs(i - j)));
    if (row.count > 0) mean.add(row.value());
  }
  return mean.value();
}

std::string_view name_of(AttentionPattern pattern) {
  constexpr std::array<std::string_view, kPatternCount> names{"self", "previous", "next",       "same_token",
                                                              "cls",  "sep",      "punctuation"};
  return names[static_cast<size_t>(pattern)];
}

PatternMass pattern_mass(HeadMap map, VisibleKeys visible, AttentionPattern pattern, std::span<const int32_t> tokens,
                         const std::vector<bool>& punctuation) {
  check(std::ssize(tokens) == map.length && std::ssize(punctuation) == map.length, "a token for each row of the map");
  PatternMass out;
  for (int64_t i = 0; i < map.length; ++i) {
    double mass = 0, total = 0;
    int64_t such = 0, keys = 0;
    for (int64_t j = 0; j < map.length; ++j) {
      if (!visible.sees(map, i, j)) continue;
      const bool hit = follows(pattern, i, j, tokens, punctuation);
      ++keys, total += map.at(i, j);
      if (hit) ++such, mass += map.at(i, j);
    }
    if (such == 0) continue;
    out.mass += mass, out.total += total;
    out.chance += total * static_cast<double>(such) / static_cast<double>(keys);
  }
  return out;
}

bool is_punctuation(std::string_view token) {
  for (size_t at = 0; at < token.size();) {
    const CodePoint code = decode_utf8(token, at);
    const bool ascii_symbol = code.value > 0x20 && code.value < 0x7F && !is_letter(code.value) && !is_number(code.value);
    if (!ascii_symbol && !is_punctuation(code.value)) return false;
    at += code.bytes;
  }
  return !token.empty();
}

double duplicate_mass(HeadMap map, int64_t T, int64_t first) {
  Mean mean;
  for (int64_t i = first + T; i < first + 2 * T; ++i) mean.add(map.at(i, i - T));
  return mean.value();
}

double induction_mass(HeadMap map, int64_t T, int64_t first) {
  Mean mean;
  for (int64_t i = first + T; i < first + 2 * T; ++i) mean.add(map.at(i, i - T + 1));
  return mean.value();
}

double masked_copy(HeadMap map, int64_t T, int64_t i, int64_t first) { return map.at(i, i < first + T ? i + T : i - T); }

double key_mass(HeadMap map, VisibleKeys visible, int64_t k) {
  Mean mean;
  for (int64_t i = 0; i < map.length; ++i)
    if (visible.sees(map, i, k)) mean.add(map.at(i, k));
  return mean.value();
}

double sink_threshold(int64_t n) { return std::max(0.3, 3 / static_cast<double>(n)); }

double share_of_sinks(const AttentionMaps& maps, VisibleKeys visible, int64_t k) {
  Mean mean;
  for (int64_t l = 0; l < maps.layers && maps.length >= 4; ++l)
    for (int64_t h = 0; h < maps.heads; ++h)
      mean.add(key_mass(head_map(maps, l, h), visible, k) > sink_threshold(maps.length) ? 1 : 0);
  return mean.value();
}

double confidence(HeadMap map, int64_t end) {
  Mean mean;
  for (int64_t i = 0; i < map.length; ++i) {
    double largest = 0;
    for (int64_t j = 0; j < map.length; ++j)
      if (j != end) largest = std::max(largest, map.at(i, j));
    if (i != end) mean.add(largest);
  }
  return mean.value();
}

double content_share(std::span<const HeadMap> sentences) {
  if (sentences.empty()) return kNothing;
  const int64_t n = sentences[0].length;
  double moved = 0, total = 0;
  for (int64_t i = 0; i < std::min(n, kContentQueries); ++i)
    for (int64_t j = 0; j < n; ++j) {
      double mean = 0;
      for (const HeadMap& map : sentences) mean += map.at(i, j) / static_cast<double>(sentences.size());
      for (const HeadMap& map : sentences) moved += std::abs(map.at(i, j) - mean), total += map.at(i, j);
    }
  return total > 0 ? moved / (2 * total) : kNothing;
}

double jensen_shannon(HeadMap a, HeadMap b) {  // H((p + q)/2) − (H(p) + H(q))/2
  Mean mean;
  std::vector<double> middle(static_cast<size_t>(a.length));
  for (int64_t i = 0; i < a.length; ++i) {
    for (int64_t j = 0; j < a.length; ++j) middle[static_cast<size_t>(j)] = (a.at(i, j) + b.at(i, j)) / 2;
    mean.add(std::max(0.0, entropy_of(middle) - (entropy_of(a.row(i)) + entropy_of(b.row(i))) / 2));
  }
  return mean.value();
}

}  // namespace vitrine
