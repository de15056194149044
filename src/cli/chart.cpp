#include "cli/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "inspect/figure.h"

namespace vitrine {
namespace {

constexpr std::array<std::string_view, 7> kPalette{"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"};
constexpr std::array<int, 7> kTerminalPalette{32, 166, 36, 175, 178, 74, 250};  // of 256 colours, the nearest

struct Bounds {
  double left = 0, right = 1, low = 0, high = 1;
};

// What all points and levels need, a little more above and below.
Bounds bounds_of(const Chart& chart) {
  Bounds b{0, 1, INFINITY, -INFINITY};
  for (const Curve& curve : chart.curves)
    for (const auto& [x, y] : curve.points) {
      b.right = std::max(b.right, x);
      b.low = std::min(b.low, y);
      b.high = std::max(b.high, y);
    }
  for (const Level& level : chart.levels) {
    b.low = std::min(b.low, level.value);
    b.high = std::max(b.high, level.value);
  }
  if (!(b.low <= b.high)) b.low = 0, b.high = 1;
  const double margin = b.high > b.low ? 0.04 * (b.high - b.low) : std::max(0.5, 0.1 * std::abs(b.high));
  b.low -= margin;
  b.high += margin;
  return b;
}

std::string number(double x) {
  if (x == 0) return "0";
  if (std::abs(x) >= 1e6) return fmt::format("{:g}M", x / 1e6);
  if (std::abs(x) >= 1e4) return fmt::format("{:g}k", x / 1e3);
  return fmt::format("{:g}", std::round(x * 1e9) / 1e9);
}

class SvgWriter {
 public:
  static constexpr double kPlot = 240, kLeft = 64, kRight = 16, kTop = 30, kBottom = 40, kLine = 16, kText = 12, kLetter = 6.5;

  std::string draw(const std::vector<Chart>& charts) {
    for (const Chart& chart : charts) add(chart);
    return fmt::format(
               "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" "
               "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
               width_, top_) +
           out_ + "</svg>\n";
  }
  // As above, but a unit is so many points that 12 of them, a line of text, are 7.
  std::string draw(const std::vector<Chart>& charts, const FigureStyle& style) {
    constexpr double kUnit = 7 * 25.4 / 72 / kText;  // mm
    width_ = style.width / kUnit;
    for (const Chart& chart : charts) add(chart);
    for (const std::string& line : wrapped(style.caption, static_cast<int>(width_ / kLetter)))
      out_ += fmt::format("<text x=\"0\" y=\"{:.2f}\" fill=\"#444444\">{}</text>\n", top_ += kLine, xml_text(line));
    return fmt::format(
               "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{:g}mm\" height=\"{:.2f}mm\" viewBox=\"0 0 {:.2f} {:.2f}\" "
               "font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\">\n<title>{}</title>\n",
               style.width, (top_ + 6) * kUnit, width_, top_ + 6, xml_text(style.caption)) +
           out_ + "</svg>\n";
  }

 private:
  void add(const Chart& chart) {
    b_ = bounds_of(chart);
    out_ += fmt::format("<text x=\"{}\" y=\"{}\" font-weight=\"bold\">{}</text>\n", kLeft, top_ + 20, xml_text(chart.title));
    top_ += kTop;
    axes(chart);
    for (const bool faint : {true, false})
      for (const Curve& curve : chart.curves)
        if (curve.faint == faint) line(curve);
    for (const Level& level : chart.levels)
      out_ += fmt::format("<line x1=\"{}\" y1=\"{:.2f}\" x2=\"{}\" y2=\"{:.2f}\" stroke=\"#555555\" stroke-dasharray=\"6 4\"/>\n",
                          kLeft, y(level.value), width_ - kRight, y(level.value));
    top_ += kPlot + kBottom;
    legend(chart);
    top_ += 8;
  }

  double x(double value) const { return kLeft + (value - b_.left) / (b_.right - b_.left) * (width_ - kLeft - kRight); }
  double y(double value) const { return top_ + (b_.high - value) / (b_.high - b_.low) * kPlot; }

  void axes(const Chart& chart) {
    for (const double t : ticks_of(b_.low, b_.high))
      out_ += fmt::format(
          "<line x1=\"{}\" y1=\"{:.2f}\" x2=\"{}\" y2=\"{:.2f}\" stroke=\"#dddddd\"/>\n"
          "<text x=\"{}\" y=\"{:.2f}\" text-anchor=\"end\">{}</text>\n",
          kLeft, y(t), width_ - kRight, y(t), kLeft - 6, y(t) + 4, number(t));
    for (const double t : ticks_of(b_.left, b_.right))
      out_ += fmt::format(
          "<line x1=\"{0:.2f}\" y1=\"{1}\" x2=\"{0:.2f}\" y2=\"{2}\" stroke=\"#333333\"/>\n"
          "<text x=\"{0:.2f}\" y=\"{3}\" text-anchor=\"middle\">{4}</text>\n",
          x(t), top_ + kPlot, top_ + kPlot + 4, top_ + kPlot + 18, number(t));
    out_ += fmt::format("<path d=\"M{0} {1}V{2}H{3}\" fill=\"none\" stroke=\"#333333\"/>\n", kLeft, top_, top_ + kPlot,
                        width_ - kRight);
    out_ += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\n", width_ - kRight, top_ + kPlot + 34,
                        xml_text(chart.x_name));
  }

  static const char* style_of(const Curve& curve) {
    return curve.faint    ? "stroke-width=\"1\" stroke-opacity=\"0.45\""
           : curve.dashed ? "stroke-width=\"2\" stroke-dasharray=\"9 4\""
                          : "stroke-width=\"2\"";
  }
  void line(const Curve& curve) {
    if (curve.points.empty()) return;
    std::string path;
    for (const auto& [at, value] : curve.points)
      path += fmt::format("{}{:.2f} {:.2f}", path.empty() ? "M" : "L", x(at), y(value));
    out_ += fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"{}\" {}/>\n", path, kPalette[curve.colour % kPalette.size()],
                        style_of(curve));
    if (curve.points.size() == 1)
      out_ += fmt::format("<circle cx=\"{:.2f}\" cy=\"{:.2f}\" r=\"3\" fill=\"{}\"/>\n", x(curve.points[0].first),
                          y(curve.points[0].second), kPalette[curve.colour % kPalette.size()]);
  }

  void legend(const Chart& chart) {
    const auto entry = [&](std::string_view stroke, const char* style, const std::string& name) {
      out_ += fmt::format("<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke=\"{}\" {}/>\n<text x=\"{}\" y=\"{}\">{}</text>\n",
                          kLeft, top_, kLeft + 24, top_, stroke, style, kLeft + 32, top_ + 4, xml_text(name));
      top_ += kLine;
    };
    for (const Curve& curve : chart.curves) entry(kPalette[curve.colour % kPalette.size()], style_of(curve), curve.name);
    for (const Level& level : chart.levels)
      entry("#555555", "stroke-dasharray=\"6 4\"", fmt::format("{} {:.4g}", level.name, level.value));
  }

  std::string out_;
  double top_ = 0, width_ = 760;
  Bounds b_;
};

// A canvas of dots, each with the number of its curve + 1; 0: none.
class Dots {
 public:
  Dots(int width, int height) : width_(width), height_(height), dots_(static_cast<size_t>(width * height), 0) {}
  void set(int x, int y, int curve) {
    if (x >= 0 && x < width_ && y >= 0 && y < height_) dots_[static_cast<size_t>(y * width_ + x)] = curve + 1;
  }
  int at(int x, int y) const { return dots_[static_cast<size_t>(y * width_ + x)]; }
  void line(int x0, int y0, int x1, int y1, int curve) {
    const int n = std::max({std::abs(x1 - x0), std::abs(y1 - y0), 1});
    for (int i = 0; i <= n; ++i) set(x0 + (x1 - x0) * i / n, y0 + (y1 - y0) * i / n, curve);
  }

 private:
  int width_, height_;
  std::vector<int> dots_;
};

// U+2800 plus a bit for each of 2×4 dots.
std::string braille(const Dots& dots, int column, int row, int& curve) {
  constexpr int kBits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
  int bits = 0;
  for (int y = 0; y < 4; ++y)
    for (int x = 0; x < 2; ++x)
      if (const int dot = dots.at(2 * column + x, 4 * row + y); dot > 0) bits |= kBits[y][x], curve = std::max(curve, dot - 1);
  if (bits == 0) return " ";
  const int point = 0x2800 + bits;
  return {static_cast<char>(0xE0 | point >> 12), static_cast<char>(0x80 | (point >> 6 & 0x3F)),
          static_cast<char>(0x80 | (point & 0x3F))};
}

std::string in_colour(const std::string& text, size_t colour) {
  return fmt::format("\x1b[38;5;{}m{}\x1b[0m", kTerminalPalette[colour % kTerminalPalette.size()], text);
}

std::string letter_of(size_t curve) { return std::string(1, static_cast<char>('a' + curve % 26)); }

}  // namespace

std::vector<double> ticks_of(double low, double high) {
  const double range = std::max(high - low, 1e-300), power = std::pow(10, std::floor(std::log10(range / 4)));
  double step = power;
  for (const double factor : {2.0, 5.0, 10.0})
    if (range / step > 7) step = power * factor;
  std::vector<double> ticks;
  for (double k = std::ceil(low / step - 1e-9); k * step <= high + step * 1e-9; ++k) ticks.push_back(k * step);
  return ticks;
}

std::string draw_svg(const std::vector<Chart>& charts) { return SvgWriter().draw(charts); }
std::string draw_svg(const std::vector<Chart>& charts, const FigureStyle& style) { return SvgWriter().draw(charts, style); }

std::string draw_text(const Chart& chart, const TerminalStyle& style) {
  constexpr int kRows = 14, kLabel = 9;
  const bool coloured = style.colours != Colours::kNone;
  const int columns = std::clamp(style.width - kLabel - 2, 8, 120), across = coloured ? 2 : 1, down = coloured ? 4 : 1;
  const Bounds b = bounds_of(chart);
  const int width = columns * across, height = kRows * down;
  const auto x = [&](double v) { return static_cast<int>(std::lround((v - b.left) / (b.right - b.left) * (width - 1))); };
  const auto y = [&](double v) { return static_cast<int>(std::lround((b.high - v) / (b.high - b.low) * (height - 1))); };
  Dots dots(width, height);
  for (const bool faint : {true, false})
    for (size_t c = 0; c < chart.curves.size(); ++c) {
      const auto& points = chart.curves[c].points;
      if (chart.curves[c].faint != faint) continue;
      for (size_t i = 0; i < points.size(); ++i) {
        const auto& from = points[i == 0 ? 0 : i - 1];
        dots.line(x(from.first), y(from.second), x(points[i].first), y(points[i].second), static_cast<int>(c));
      }
    }
  std::string out = fit(chart.title, std::min(style.width, display_width(chart.title))) + "\n";
  for (int row = 0; row < kRows; ++row) {
    const double share = (row + 0.5) / kRows;
    const std::string label = row % 3 == 1 ? fmt::format("{:.4g}", b.high - share * (b.high - b.low)) : "";
    std::string line;
    for (int column = 0; column < columns; ++column) {
      int curve = 0;
      if (coloured) {
        const std::string cell = braille(dots, column, row, curve);
        line += cell == " " ? cell : in_colour(cell, chart.curves[static_cast<size_t>(curve)].colour);
      } else {
        const int dot = dots.at(column, row);
        const bool level =
            std::any_of(chart.levels.begin(), chart.levels.end(), [&](const Level& l) { return y(l.value) == row; });
        line += dot > 0 ? letter_of(static_cast<size_t>(dot - 1)) : level ? "-" : " ";
      }
    }
    if (!coloured) line.erase(line.find_last_not_of(' ') + 1);
    out += fit(label, kLabel, true) + " |" + line + "\n";
  }
  const std::string right = fmt::format("{} {}", chart.x_name, number(b.right));
  out += std::string(kLabel, ' ') + " +" + std::string(static_cast<size_t>(columns), '-') + "\n";
  out += std::string(kLabel + 2, ' ') + fit("0", std::max(1, columns - display_width(right))) + right + "\n";
  for (size_t c = 0; c < chart.curves.size(); ++c)
    out += "  " + (coloured ? in_colour("━━", chart.curves[c].colour) : letter_of(c)) + " " +
           fit(chart.curves[c].name, std::min(style.width - 6, display_width(chart.curves[c].name))) + "\n";
  for (const Level& level : chart.levels) out += fmt::format("  - {} {:.4g}\n", printable(level.name), level.value);
  return out;
}

}  // namespace vitrine
