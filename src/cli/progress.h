#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "inspect/terminal_text.h"

namespace vitrine {

// What the line that is redrawn while training runs says.
struct TrainingProgress {
  int64_t step = 0, steps = 0;
  double loss = 0;                   // smoothed
  std::vector<double> losses;        // of the whole run so far, oldest first, for the little curve
  std::string floor_name = "floor";  // what the loss is compared with; the value is left out where it is negative
  double floor = -1;
  double tokens_per_s = 0, learning_rate = 0, seconds_left = 0;
};

// One line of at most style.width columns: what matters least is left out first.
std::string draw_progress(const TrainingProgress& progress, const TerminalStyle& style);
// ▇▅▃▂▁ in `columns` columns: means of equal parts, the highest is ▇, the lowest ▁.
std::string sparkline(const std::vector<double>& values, int columns);

}  // namespace vitrine
