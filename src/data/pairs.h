#pragma once
#include <cstdint>
#include <utility>
#include <vector>

#include "data/tokenizer.h"

namespace vitrine {

// Two texts as one sequence: a [SEP] b [SEP], with token types 0 up to the first [SEP] and 1 behind it (Devlin et al. 2019, §3).
constexpr int64_t kShortestPair = 4;  // tokens

// How many of `a` and `b` tokens stay where there is room for `room`: the longer of the two is cut first, of two that are as long the
// second.
std::pair<int64_t, int64_t> cut_pair(int64_t a, int64_t b, int64_t room);

// The sequence of at most `limit` tokens, appended to `out`. Offsets are those of the text that has a tab between the two; the first,
// of `tab` bytes, stands before it, and its [SEP] is the tab.
void join_pair(const std::vector<Piece>& a, const std::vector<Piece>& b, size_t tab, int64_t limit, std::vector<Piece>& out);

// The token types of such pieces.
void types_of_pair(const std::vector<Piece>& pieces, size_t tab, std::vector<int32_t>& out);

}  // namespace vitrine
