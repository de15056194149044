#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace vitrine {

// What the terminal can show.
enum class Colours { kNone, k256, kTrue };
struct TerminalStyle {
  Colours colours = Colours::kNone;
  int width = 80;  // columns; nothing drawn is wider
};

// Text that came with the data, made safe for a terminal: control characters, direction overrides and invalid UTF-8 become visible
// escapes (\n, \x1b, \u202e), a lone space becomes ␣. Nothing in it can move the cursor or change a colour.
std::string printable(std::string_view text);
// The same, as the text of an XML element.
std::string xml_text(std::string_view text);
// Columns that printable text takes: 2 for wide East Asian characters and emoji, 0 for combining marks.
int display_width(std::string_view text);
// Exactly `width` columns: cut with … or filled with spaces, at the right or (right = true) at the left.
std::string fit(std::string_view text, int width, bool right = false);

// cividis (Nuñez et al. 2018), equally readable with every kind of colour vision: 0 dark blue … 1 yellow.
struct Rgb {
  uint8_t r, g, b;
};
Rgb cividis(double value);
// `text` on a background of the value's colour, in black or white, whichever is read better; plain where colours are off.
std::string on_colour(std::string_view text, double value, const TerminalStyle& style);
// Two values in one character cell, one above the other: ▀.
std::string half_block(double upper, double lower, const TerminalStyle& style);
enum class Tone { kBold, kFaint, kGood, kBad };
std::string toned(std::string_view text, Tone tone, const TerminalStyle& style);

}  // namespace vitrine
