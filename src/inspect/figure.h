#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "inspect/attention_maps.h"
#include "inspect/attention_view.h"
#include "inspect/patching.h"

namespace vitrine {

// Figures for papers: SVG without scripts or fonts of its own, text as text; equal numbers give equal bytes. Scales are fixed, and read in
// grey, too: weights from 0, dark, to 1, light; effects from 0, white, to ±1, dark, with their sign where a cell has room for a number, else
// a stroke through those below 0. The caption stands below the picture and as its <title>.
struct FigureStyle {
  double width = 84;  // mm, of a column; text is 7 pt whatever the width
  std::string caption;
};
// Lines of whole words, none wider than `width` columns but a single word that is: of a caption.
std::vector<std::string> wrapped(std::string_view text, int width);
// One head: rows are queries, columns are keys, sources of the target framed, numbers where cells have room for them.
std::string figure_of_head(const AttentionMaps& maps, int64_t layer, int64_t head, const ShownSentence& sentence,
                           const FigureStyle& style);
// All heads, a row for each layer.
std::string figure_of_heads(const AttentionMaps& maps, const ShownSentence& sentence, const FigureStyle& style);
// One head as lines from queries, on the left, to keys: of each query the largest weights that make up 90 % of its row.
std::string figure_of_lines(const AttentionMaps& maps, int64_t layer, int64_t head, const ShownSentence& sentence,
                            const FigureStyle& style);
// What patching moves: by place (what the embedding and each block leave, all heads of a block, its feed-forward), then by head. `target`:
// the row that is asked for, −1: a whole sequence.
std::string figure_of_patch(const PatchGrids& grids, const std::vector<std::string>& clean, const std::vector<std::string>& pair,
                            int64_t target, const FigureStyle& style);
// Numbers of heads, each on a bar as long as its share of the column's largest; what does not fit the width is left out, a group whole.
struct FigureColumn {
  std::string group, title;  // columns of one group stand side by side
  std::vector<double> values;
  int decimals = 2;
};
std::string figure_of_table(const std::vector<std::string>& rows, const std::vector<FigureColumn>& columns,
                            const FigureStyle& style);

}  // namespace vitrine
