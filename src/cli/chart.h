#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "inspect/terminal_text.h"

namespace vitrine {

struct FigureStyle;  // inspect/figure.h

// A line through points, and what a legend calls it. Curves of one run have one colour: `colour` counts from 0.
struct Curve {
  std::string name;
  size_t colour = 0;
  bool faint = false;                             // thin and pale: what varies, behind what counts
  std::vector<std::pair<double, double>> points;  // x ascending
  bool dashed = false;                            // told from the others in grey, too; in SVG
};
// A value to compare with: a dashed line.
struct Level {
  std::string name;
  double value = 0;
};
struct Chart {
  std::string title, x_name;
  std::vector<Curve> curves;
  std::vector<Level> levels;
};

// The charts one below the other, as one SVG without scripts, links or fonts; every text is escaped. Equal charts give equal bytes.
// Colours: Okabe and Ito 2008, told apart with every kind of colour vision.
std::string draw_svg(const std::vector<Chart>& charts);
// The same for a paper: as wide as its column, text of 7 pt, with the caption.
std::string draw_svg(const std::vector<Chart>& charts, const FigureStyle& style);

// With colours: braille, four dots high and two wide in each character, in the colours of the curves. Without: a letter for each curve.
std::string draw_text(const Chart& chart, const TerminalStyle& style);

// Round numbers from `low` to `high`, 3 to 8 of them: steps of 1, 2 or 5 times a power of ten.
std::vector<double> ticks_of(double low, double high);

}  // namespace vitrine
