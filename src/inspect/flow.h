#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "inspect/measures.h"

namespace vitrine {

// What flows from token to token: measures that take more than the weights of one head.

// Rollout (Abnar & Zuidema 2020, §3): with ᾱ the mean of a layer's heads, each row divided by its sum, Â = ½ ᾱ + ½ I and R^l = Â^l R^(l−1), R^(−1) = I.
// Returns R^0 … R^(L−1) as the only head of each layer; their rows sum to 1.
AttentionMaps rollout(const AttentionMaps& maps);

// Gradient lenses of softmax heads, from dO = ∂y/∂O before W_O and V, both [n,D] of one layer, head h in columns h·d …:
//   dα_ij = dO_i · v_j           dS_ij = α_ij (dα_ij − Σ_k α_ik dα_ik): how y would move if this score alone were free
// (of positions that add to values, such as shaw with values, dα lacks their part.)
void weight_gradients(AttentionMaps& out, int64_t layer, std::span<const double> dO, std::span<const double> V);
AttentionMaps score_gradients(const AttentionMaps& maps, const AttentionMaps& weight_gradients);
// Relevance of every token for y at every token (Chefer et al. 2021, §3.1): Ā = mean_h (α ⊙ dα)⁺, R ← R + Ā R from R = I. [n][n]
std::vector<double> relevance(const AttentionMaps& maps, const AttentionMaps& weight_gradients);

// ‖Σ_h α^h_ij f^h(x_j)‖ with f^h(x_j) = v^h_j W_O^h, [n][n]: what really moves from j to i (Kobayashi et al. 2020, §3). V [n,D], W_O [D,D]
// as [out,in]. Of one head: only_head. b_O belongs to no pair.
std::vector<double> value_weighted(const AttentionMaps& maps, int64_t layer, std::span<const double> V,
                                   std::span<const double> W_O, int64_t only_head = -1);

// 1 − cos(x, x') of two rows, in [0, 2]: of value zeroing, where x' is a block's output with v_j = 0.
double cosine_distance(std::span<const double> x, std::span<const double> y);
// Divides each row by its sum, where that is not 0.
void normalise_rows(std::span<double> matrix, int64_t columns);

// Words instead of their pieces (Clark et al. 2019, §4.1): to a word goes the sum over its pieces, from a word the mean. word_of[i] is the
// number of piece i's word; numbers start at 0 and never fall.
AttentionMaps words_from_pieces(const AttentionMaps& maps, std::span<const int64_t> word_of);

}  // namespace vitrine
