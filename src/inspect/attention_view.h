#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "inspect/attention_maps.h"
#include "inspect/terminal_text.h"

namespace vitrine {

// A sentence as it is shown: its tokens, and, where it has one, the link from a masked target to the tokens that decide it.
struct ShownSentence {
  std::vector<std::string> tokens;
  int64_t target = -1;
  std::vector<int64_t> sources;
  bool operator==(const ShownSentence&) const = default;
};

// How attention looks in a terminal. Rows are queries, columns are keys; the scale is fixed, 0 to 1, so that two pictures can be
// compared. Where colours are off, a weight is the digit of its tenths. Every function returns whole lines, none wider than
// style.width, and the same layout with and without colours.

// All heads, one small map each. Long sentences: `▀` cells, and each cell the largest weight of a square where even that is too wide.
std::string draw_heads(const AttentionMaps& maps, const ShownSentence& sentence, const TerminalStyle& style);
// One head with the sentence on both sides and the weights as numbers where there is room.
std::string draw_head(const AttentionMaps& maps, int64_t layer, int64_t head, const ShownSentence& sentence,
                      const TerminalStyle& style);
// One row of one head as bars: where the query looks.
std::string draw_row(const AttentionMaps& maps, int64_t layer, int64_t head, int64_t query, const ShownSentence& sentence,
                     const TerminalStyle& style);
// What the marks and the scale mean, and that rows sum to 1.
std::string draw_legend(const AttentionMaps& maps, const ShownSentence& sentence, const TerminalStyle& style);

// The attention of the target on all its sources together.
double weight_on_sources(const AttentionMaps& maps, int64_t layer, int64_t head, const ShownSentence& sentence);

}  // namespace vitrine
