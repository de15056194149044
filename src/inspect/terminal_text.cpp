#include "inspect/terminal_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace vitrine {
namespace {

constexpr std::string_view kReset = "\x1b[0m";

// The code point at text[i] and its length in bytes; length 0 where the bytes are not UTF-8 (overlong forms and surrogates included).
struct Decoded {
  char32_t point;
  size_t length;
};
Decoded decode(std::string_view text, size_t i) {
  const auto byte = [&](size_t k) { return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0u; };
  const auto next = [&](size_t k) { return (byte(k) & 0xC0) == 0x80; };
  const unsigned a = byte(0);
  if (a < 0x80) return {a, 1};
  if (a >= 0xC2 && a < 0xE0 && next(1)) return {(a & 0x1F) << 6 | (byte(1) & 0x3F), 2};
  if (a >= 0xE0 && a < 0xF0 && next(1) && next(2)) {
    const char32_t p = (a & 0xF) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
    if (p >= 0x800 && (p < 0xD800 || p > 0xDFFF)) return {p, 3};
  }
  if (a >= 0xF0 && a < 0xF5 && next(1) && next(2) && next(3)) {
    const char32_t p = (a & 7) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F);
    if (p >= 0x10000 && p <= 0x10FFFF) return {p, 4};
  }
  return {a, 0};
}

struct Range {
  char32_t first, last;
};
bool in(const auto& ranges, char32_t p) {
  return std::any_of(ranges.begin(), ranges.end(), [&](Range r) { return p >= r.first && p <= r.last; });
}
// Direction overrides, isolates, line separators, tags and other format characters that change what is seen around them.
constexpr std::array<Range, 8> kHidden{{{0x80, 0x9F},
                                        {0xAD, 0xAD},
                                        {0x61C, 0x61C},
                                        {0x200B, 0x200F},
                                        {0x2028, 0x202E},
                                        {0x2060, 0x206F},
                                        {0xFEFF, 0xFEFF},
                                        {0xE0000, 0xE0FFF}}};
constexpr std::array<Range, 12> kCombining{{{0x300, 0x36F},
                                            {0x483, 0x489},
                                            {0x591, 0x5BD},
                                            {0x610, 0x61A},
                                            {0x64B, 0x65F},
                                            {0x93C, 0x93C},
                                            {0x94D, 0x94D},
                                            {0x1AB0, 0x1AFF},
                                            {0x1DC0, 0x1DFF},
                                            {0x20D0, 0x20FF},
                                            {0xFE00, 0xFE0F},
                                            {0xFE20, 0xFE2F}}};
constexpr std::array<Range, 9> kWide{{{0x1100, 0x115F},
                                      {0x2E80, 0x303E},
                                      {0x3041, 0xA4CF},
                                      {0xAC00, 0xD7A3},
                                      {0xF900, 0xFAFF},
                                      {0xFE30, 0xFE6F},
                                      {0xFF00, 0xFF60},
                                      {0x1F300, 0x1FAFF},
                                      {0x20000, 0x3FFFD}}};

int width_of(char32_t p) {
  if (in(kCombining, p)) return 0;
  return in(kWide, p) ? 2 : 1;
}

uint8_t index_of_256(Rgb c) {  // the nearest of the 6×6×6 cube (levels 0, 95, 135, …) and the 24 greys
  const auto level = [](int v) { return v < 48 ? 0 : v < 115 ? 1 : (v - 35) / 40; };
  const auto value = [](int l) { return l == 0 ? 0 : 55 + 40 * l; };
  const int r = level(c.r), g = level(c.g), b = level(c.b);
  const auto distance = [&](int x, int y, int z) {
    return (x - c.r) * (x - c.r) + (y - c.g) * (y - c.g) + (z - c.b) * (z - c.b);
  };
  const int grey = std::clamp(((c.r + c.g + c.b) / 3 - 3) / 10, 0, 23), shade = 8 + 10 * grey;
  if (distance(shade, shade, shade) < distance(value(r), value(g), value(b))) return static_cast<uint8_t>(232 + grey);
  return static_cast<uint8_t>(16 + 36 * r + 6 * g + b);
}

std::string colour_code(Rgb c, bool background, Colours colours) {
  const int base = background ? 48 : 38;
  if (colours == Colours::kTrue) return fmt::format("\x1b[{};2;{};{};{}m", base, c.r, c.g, c.b);
  return fmt::format("\x1b[{};5;{}m", base, index_of_256(c));
}

}  // namespace

std::string printable(std::string_view text) {
  if (text == " ") return "␣";
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const Decoded d = decode(text, i);
    if (d.length == 0)
      out += fmt::format("\\x{:02x}", static_cast<unsigned>(d.point));
    else if (d.point == '\n')
      out += "\\n";
    else if (d.point == '\t')
      out += "\\t";
    else if (d.point < 0x20 || d.point == 0x7F)
      out += fmt::format("\\x{:02x}", static_cast<unsigned>(d.point));
    else if (in(kHidden, d.point))
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(d.point));
    else
      out += text.substr(i, d.length);
    i += std::max<size_t>(d.length, 1);
  }
  return out;
}

std::string xml_text(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

int display_width(std::string_view text) {
  int width = 0;
  for (size_t i = 0; i < text.size();) {
    const Decoded d = decode(text, i);
    width += width_of(d.point);
    i += std::max<size_t>(d.length, 1);
  }
  return width;
}

std::string fit(std::string_view text, int width, bool right) {
  const int have = display_width(text);
  if (have <= width) {
    const std::string space(static_cast<size_t>(width - have), ' ');
    return right ? space + std::string(text) : std::string(text) + space;
  }
  if (width <= 0) return "";
  size_t end = 0;
  int used = 0;
  while (end < text.size()) {
    const Decoded d = decode(text, end);
    if (used + width_of(d.point) > width - 1) break;
    used += width_of(d.point);
    end += std::max<size_t>(d.length, 1);
  }
  return std::string(text.substr(0, end)) + "…" + std::string(static_cast<size_t>(width - 1 - used), ' ');
}

Rgb cividis(double value) {
  constexpr std::array<Rgb, 10> table{{{0x00, 0x22, 0x4e},
                                       {0x12, 0x35, 0x70},
                                       {0x3b, 0x49, 0x6c},
                                       {0x57, 0x5d, 0x6d},
                                       {0x70, 0x71, 0x73},
                                       {0x8a, 0x86, 0x78},
                                       {0xa5, 0x9c, 0x74},
                                       {0xc3, 0xb3, 0x69},
                                       {0xe1, 0xcc, 0x55},
                                       {0xfe, 0xe8, 0x38}}};
  const double x = (std::isfinite(value) ? std::clamp(value, 0.0, 1.0) : 0.0) * (table.size() - 1);
  const size_t i = std::min(static_cast<size_t>(x), table.size() - 2);
  const double f = x - static_cast<double>(i);
  const auto mix = [&](uint8_t a, uint8_t b) { return static_cast<uint8_t>(std::lround(a + f * (b - a))); };
  return {mix(table[i].r, table[i + 1].r), mix(table[i].g, table[i + 1].g), mix(table[i].b, table[i + 1].b)};
}

std::string on_colour(std::string_view text, double value, const TerminalStyle& style) {
  if (style.colours == Colours::kNone) return std::string(text);
  const Rgb ink = value > 0.5 ? Rgb{0, 0, 0} : Rgb{255, 255, 255};
  return fmt::format("{}{}{}{}", colour_code(cividis(value), true, style.colours), colour_code(ink, false, style.colours), text,
                     kReset);
}

std::string half_block(double upper, double lower, const TerminalStyle& style) {
  return fmt::format("{}{}▀{}", colour_code(cividis(upper), false, style.colours),
                     colour_code(cividis(lower), true, style.colours), kReset);
}

std::string toned(std::string_view text, Tone tone, const TerminalStyle& style) {
  if (style.colours == Colours::kNone) return std::string(text);
  constexpr std::array<std::string_view, 4> codes{"1", "2", "32", "31"};
  return fmt::format("\x1b[{}m{}{}", codes[static_cast<size_t>(tone)], text, kReset);
}

}  // namespace vitrine
