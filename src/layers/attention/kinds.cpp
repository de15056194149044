#include "layers/attention/kinds.h"

#include <algorithm>

namespace vitrine {
namespace {

// Each is derived on a page beside its code.
constexpr KindWord<AttentionKind> kAttention[] = {
    {"full", AttentionKind::kFull, "P = softmax(S) over all keys", "Vaswani et al. 2017, arXiv 1706.03762, §3.2.1"},
    {"causal", AttentionKind::kFull, "P = softmax(S) over the keys j ≤ i", "Vaswani et al. 2017, arXiv 1706.03762, §3.2.3"},
    {"local", AttentionKind::kLocal, "P = softmax(S) over |i − j| ≤ window", "Beltagy et al. 2020, arXiv 2004.05150, §3.1"},
    {"block_sparse", AttentionKind::kBlockSparse,
     "P = softmax(S) over the blocks within the window, the global tokens, random blocks and every stride-th block",
     "Zaheer et al. 2020, arXiv 2007.14062, §2; strides: Child et al. 2019, arXiv 1904.10509, §4.2"},
    {"top_k", AttentionKind::kTopK, "P = softmax over the k largest S_ij of a row", "Zhao et al. 2019, arXiv 1912.11637"},
    {"entmax", AttentionKind::kEntmax, "P_ij = [(α − 1) S_ij − τ_i]₊^(1/(α − 1)), τ_i such that the row sums to 1",
     "Peters et al. 2019, arXiv 1905.05702; learned α: Correia et al. 2019, arXiv 1909.00015"},
    {"adaptive_span", AttentionKind::kAdaptiveSpan,
     "P_ij = m_(i−j) e^(S_ij) / Σ_k m_(i−k) e^(S_ik), m_r = clamp((ramp + z − |r|)/ramp, 0, 1), a learned z for each head",
     "Sukhbaatar et al. 2019, arXiv 1905.07799"},
    {"linear", AttentionKind::kLinear, "P_ij = φ(q_i)·φ(k_j) / (Σ_k φ(q_i)·φ(k_k) + ε), φ(x) = elu(x) + 1",
     "Katharopoulos et al. 2020, arXiv 2006.16236"},
    {"performer", AttentionKind::kPerformer,
     "as linear, with φ_r(x) = e^(ω_r·x̃ − |x̃|²/2)/√m, x̃ = x/d^(1/4), so that φ(q)·φ(k) is e^(q·k/√d) on average over random ω",
     "Choromanski et al. 2021, arXiv 2009.14794"},
    {"routing", AttentionKind::kRouting,
     "P = softmax(S) inside clusters: each of c centroids takes its ⌈T/c⌉ nearest queries and keys, normalised",
     "Roy et al. 2021, arXiv 2003.05997"},
};

constexpr KindWord<PositionKind> kPositions[] = {
    {"none", PositionKind::kNone, "nothing is added",
     "Vaswani et al. 2017, arXiv 1706.03762, §3.5, says why positions are needed"},
    {"learned", PositionKind::kLearned, "x_t = E[token_t] + P[t], P learned", "Devlin et al. 2019, arXiv 1810.04805"},
    {"sinusoidal", PositionKind::kSinusoidal,
     "x_t = E[token_t] + P[t], P[t, 2i] = sin(t/10000^(2i/D)), P[t, 2i + 1] = cos(t/10000^(2i/D))",
     "Vaswani et al. 2017, arXiv 1706.03762, §3.5"},
    {"rotary", PositionKind::kRotary, "the pair (2i, 2i + 1) of q_t and of k_t turns by t·base^(−2i/width)",
     "Su et al. 2021, arXiv 2104.09864"},
    {"alibi", PositionKind::kAlibi, "S_ij = q_i·k_j/√d − m_h |i − j|, m_h = 2^(−8(h + 1)/H)",
     "Press et al. 2022, arXiv 2108.12409"},
    {"t5_bias", PositionKind::kT5Bias, "S_ij = q_i·k_j/√d + b[bucket(j − i), h], b learned, buckets wider with the distance",
     "Raffel et al. 2020, arXiv 1910.10683"},
    {"shaw", PositionKind::kShaw, "S_ij = q_i·(k_j + a_r)/√d, r = clamp(j − i, −distance, distance), a learned",
     "Shaw et al. 2018, arXiv 1803.02155"},
    {"disentangled", PositionKind::kDisentangled,
     "S_ij = (q_i·k_j + q_i·k′_δ(i, j) + k_j·q′_δ(j, i))/√(3d), δ(i, j) = clamp(i − j + n, 0, 2n − 1), n = distance",
     "He et al. 2021, arXiv 2006.03654"},
};

template <class T, size_t N>
std::string_view word_of(const KindWord<T> (&words)[N], T kind) {
  const auto found = std::find_if(std::begin(words), std::end(words), [&](const KindWord<T>& w) { return w.kind == kind; });
  return found == std::end(words) ? std::string_view() : found->word;
}

}  // namespace

std::span<const KindWord<AttentionKind>> attention_words() { return kAttention; }
std::span<const KindWord<PositionKind>> position_words() { return kPositions; }

std::string_view name_of(AttentionKind kind) { return word_of(kAttention, kind); }
std::string_view name_of(PositionKind kind) { return word_of(kPositions, kind); }

}  // namespace vitrine
