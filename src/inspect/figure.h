#pragma once
#include <string>

#include "inspect/attention_maps.h"
#include "inspect/attention_view.h"

namespace vitrine {

// Figures for papers: SVG without scripts or fonts of its own, text as text, colours of a fixed scale 0 to 1; equal maps give equal bytes. The
// caption stands below the picture and as its <title>.
struct FigureStyle {
  double width = 84;  // mm, of a column; text is 7 pt whatever the width
  std::string caption;
};
// One head: rows are queries, columns are keys, sources of the target framed, numbers where cells have room for them.
std::string figure_of_head(const AttentionMaps& maps, int64_t layer, int64_t head, const ShownSentence& sentence,
                           const FigureStyle& style);
// All heads, a row for each layer.
std::string figure_of_heads(const AttentionMaps& maps, const ShownSentence& sentence, const FigureStyle& style);
// One head as lines from queries, on the left, to keys: of each query the largest weights that make up 90 % of its row.
std::string figure_of_lines(const AttentionMaps& maps, int64_t layer, int64_t head, const ShownSentence& sentence,
                            const FigureStyle& style);

}  // namespace vitrine
