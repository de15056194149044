#pragma once
#include <string>

#include "inspect/terminal_text.h"

namespace vitrine {

// What stands behind a file descriptor. Colours and redrawing only on a terminal; NO_COLOR and TERM=dumb switch colours off; the width
// is COLUMNS, else what the terminal says, else 80.
struct Terminal {
  bool is_terminal = false;  // that redraws: not TERM=dumb
  TerminalStyle style;
};
Terminal terminal_of(int descriptor);

std::string thousands(int64_t n);      // 1,234,567
std::string short_count(double n);     // 950, 41.2k, 1.3M
std::string duration(double seconds);  // 0:07, 12:40, 1:02:03
std::string megabytes(double bytes);   // 0.4 MB, 12 MB (10⁶ bytes)

}  // namespace vitrine
