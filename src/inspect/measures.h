#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "inspect/attention_maps.h"
#include "layers/settings.h"

namespace vitrine {

// What the weights of one head in one sentence of n tokens say by themselves. What a number is a mean over is said beside it; over sentences
// the caller adds them up (inspect/statistics.h). Where nothing can be said (no row qualifies) a mean is NaN. Sources are cited at the formulas.

// A view: row i is the query, column j the key.
struct HeadMap {
  const double* weights = nullptr;
  int64_t length = 0;  // n
  std::span<const double> row(int64_t i) const { return {weights + i * length, static_cast<size_t>(length)}; }
  double at(int64_t i, int64_t j) const { return weights[i * length + j]; }
};
inline HeadMap head_map(const AttentionMaps& maps, int64_t layer, int64_t head) {
  return {maps.weights.data() + maps.index(layer, head, 0, 0), maps.length};
}

// The keys that a query may see, whatever it makes of them. Which blocks a row of block-sparse attention sees may be drawn: there, those
// that have a weight.
struct VisibleKeys {
  bool causal = false;
  int64_t window = -1;  // |i − j| ≤ window; −1: all
  bool weighted = false;
  bool sees(std::span<const double> row, int64_t i, int64_t j) const {  // row: α_i
    return (!causal || j <= i) && (window < 0 || (i - j <= window && j - i <= window)) &&
           (!weighted || row[static_cast<size_t>(j)] > 0);
  }
  bool sees(HeadMap map, int64_t i, int64_t j) const { return sees(map.row(i), i, j); }
  int64_t count(HeadMap map, int64_t i) const;
};
VisibleKeys visible_keys(const AttentionSettings& settings, int64_t head);

// H(p) = −Σ p ln p, 0 ln 0 = 0, in nats.
double entropy_of(std::span<const double> p);
// Mean over the queries that see several keys of H(α_i) / ln(keys that i sees): 0 one key, 1 all alike (Clark et al. 2019, §3.2, normalised).
double entropy(HeadMap map, VisibleKeys visible);

// Mean over queries of Σ_j α_ij |i − j| (Vig & Belinkov 2019, §4.4), in tokens; uniform_distance: of the same with all visible keys alike,
// (n² − 1)/3n where a query sees all, (n − 1)/4 where it sees those before it.
double distance(HeadMap map);
double uniform_distance(HeadMap map, VisibleKeys visible);

// Weight on keys of one kind: Σ α F / Σ α over the queries that see such a key (Vig & Belinkov 2019, §4.2; Clark et al. 2019, §3). The
// chance level is the same ratio of a head that weighs all visible keys alike. Both are ratios over the corpus: add up all three.
enum class AttentionPattern {
  kSelf,         // j = i
  kPrevious,     // j = i − 1
  kNext,         // j = i + 1
  kSameToken,    // another place with the token of i, which is none of the special ones
  kCls,          // [CLS]
  kSep,          // [SEP]
  kPunctuation,  // tokens of punctuation only
};
constexpr int kPatternCount = 7;
std::string_view name_of(AttentionPattern pattern);  // "self", "previous", …
struct PatternMass {
  double mass = 0, chance = 0, total = 0;
};
PatternMass pattern_mass(HeadMap map, VisibleKeys visible, AttentionPattern pattern, std::span<const int32_t> tokens,
                         const std::vector<bool>& punctuation);
bool is_punctuation(std::string_view token);  // not empty, and P* or S* of ASCII or P* of Unicode throughout

// Of a sentence whose tokens from `first` on are T tokens twice (Olsson et al. 2022, "prefix matching"):
//   duplicate_mass  mean over the second copy of α[i, i − T]: the same token
//   induction_mass  mean over the second copy of α[i, i − T + 1]: the token behind the same token
//   masked_copy     ours, for a masked token i of a bidirectional model: α on the place of the other copy that shows what is masked
double duplicate_mass(HeadMap map, int64_t T, int64_t first = 0);
double induction_mass(HeadMap map, int64_t T, int64_t first = 0);
double masked_copy(HeadMap map, int64_t T, int64_t i, int64_t first = 0);

// Mean of α_ik over the queries that may see key k. A head is a sink to it where this exceeds max(0.3, 3/n), n ≥ 4 (Gu et al. 2024, §3;
// the lower bound is ours: below it a share is not far from that of chance).
double key_mass(HeadMap map, VisibleKeys visible, int64_t k);
double sink_threshold(int64_t n);
// Share of the heads that are sinks to key k; NaN for n < 4.
double share_of_sinks(const AttentionMaps& maps, VisibleKeys visible, int64_t k);

// Mean over queries of max_j α_ij, token `end` (the last [SEP]; −1: none) left out as query and as key (Voita et al. 2019, §4).
double confidence(HeadMap map, int64_t end = -1);

// How much weights depend on the words and not on the places: Σ|α − ᾱ| / 2 Σα, ᾱ the mean over sentences of equal length, queries the
// first 10 positions: 0 the same map for every sentence (Vig & Belinkov 2019, §4.3).
double content_share(std::span<const HeadMap> sentences);

// Mean over queries of the Jensen–Shannon divergence of two heads' rows, in nats: 0 the same … ln 2 never the same key (Clark et al.
// 2019, §6).
double jensen_shannon(HeadMap a, HeadMap b);

}  // namespace vitrine
