#include "inspect/figure.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "inspect/terminal_text.h"

namespace vitrine {
namespace {

// User units are points; 1 mm = 72/25.4 of them.
constexpr double kPoints = 72 / 25.4, kText = 7, kLetter = 0.56 * kText, kLine = 1.3 * kText;
constexpr int kLabel = 14;         // columns of a token that are shown
constexpr double kTopShare = 0.9;  // of a row, in lines
constexpr double kNumbers = 13;    // points that a cell needs for its number
constexpr std::string_view kMark = "#c8540a", kLineColour = "#1c62b2";

std::string hex(Rgb c) { return fmt::format("#{:02x}{:02x}{:02x}", c.r, c.g, c.b); }

class Figure {
 public:
  explicit Figure(const FigureStyle& style) : width_(style.width * kPoints), style_(style) {}
  double width() const { return width_; }

  void rect(double x, double y, double w, double h, std::string_view fill, std::string_view stroke = "none", double line = 1) {
    body_ += fmt::format("<rect x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\" fill=\"{}\"", x, y, w, h, fill);
    body_ += stroke == "none" ? "/>\n" : fmt::format(" stroke=\"{}\" stroke-width=\"{:.2f}\"/>\n", stroke, line);
  }
  void text(double x, double y, std::string_view anchor, const std::string& words, std::string_view fill = "#000",
            double turn = 0) {
    body_ += fmt::format("<text x=\"{:.2f}\" y=\"{:.2f}\" text-anchor=\"{}\" fill=\"{}\"", x, y, anchor, fill);
    if (turn != 0) body_ += fmt::format(" transform=\"rotate({:.0f} {:.2f} {:.2f})\"", turn, x, y);
    body_ += ">" + xml_text(words) + "</text>\n";
  }
  void curve(double x0, double y0, double x1, double y1, std::string_view stroke, double weight) {
    const double bend = 0.45 * (x1 - x0);
    body_ += fmt::format(
        "<path d=\"M{:.2f} {:.2f}C{:.2f} {:.2f} {:.2f} {:.2f} {:.2f} {:.2f}\" fill=\"none\" stroke=\"{}\" "
        "stroke-width=\"{:.2f}\" stroke-opacity=\"{:.2f}\"/>\n",
        x0, y0, x0 + bend, y0, x1 - bend, y1, x1, y1, stroke, 0.3 + 1.7 * weight, 0.12 + 0.88 * weight);
  }

  std::string finish(double height) {
    std::string line;
    const auto columns = static_cast<int>(width_ / kLetter);
    const auto flush = [&] {
      if (!line.empty()) text(0, height += kLine, "start", line, "#444");
      line.clear();
    };
    for (size_t begin = 0; begin < style_.caption.size();) {
      const size_t end = std::min(style_.caption.find(' ', begin), style_.caption.size());
      const std::string word = style_.caption.substr(begin, end - begin);
      if (!line.empty() && display_width(line) + 1 + display_width(word) > columns) flush();
      line += (line.empty() ? "" : " ") + word;
      begin = end + 1;
    }
    flush();
    height += 0.4 * kLine;
    return fmt::format(
               "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:g}mm\" height=\"{1:.2f}mm\" viewBox=\"0 0 {2:.2f} {3:.2f}\" "
               "font-family=\"Helvetica, Arial, sans-serif\" font-size=\"{4:g}\">\n<title>{5}</title>\n",
               style_.width, height / kPoints, width_, height, kText, xml_text(style_.caption)) +
           body_ + "</svg>\n";
  }

 private:
  double width_;
  const FigureStyle& style_;
  std::string body_;
};

std::string label_of(const ShownSentence& s, int64_t i) {
  const std::string token = printable(s.tokens[static_cast<size_t>(i)]);
  return fit(token, std::min(kLabel, display_width(token)));
}
bool is_source(const ShownSentence& s, int64_t i) { return std::count(s.sources.begin(), s.sources.end(), i) > 0; }
std::string_view colour_of(const ShownSentence& s, int64_t i) { return i == s.target || is_source(s, i) ? kMark : "#000"; }

double widest_label(const ShownSentence& s) {
  int widest = 0;
  for (int64_t i = 0; i < std::ssize(s.tokens); ++i) widest = std::max(widest, display_width(label_of(s, i)));
  return widest * kLetter;
}

// The cells of one head, each a square of `cell` points.
void draw_cells(Figure& f, const AttentionMaps& m, int64_t l, int64_t h, const ShownSentence& s, double x, double y,
                double cell) {
  for (int64_t i = 0; i < m.length; ++i)
    for (int64_t j = 0; j < m.length; ++j) {
      const double a = m.at(l, h, i, j), cx = x + cell * static_cast<double>(j), cy = y + cell * static_cast<double>(i);
      f.rect(cx, cy, cell, cell, hex(cividis(a)));
      if (cell >= kNumbers && a >= 0.005)
        f.text(cx + cell / 2, cy + cell / 2 + 0.35 * kText, "middle",
               a >= 0.995 ? "1.0" : fmt::format(".{:02d}", static_cast<int>(std::lround(100 * a))), a > 0.5 ? "#000" : "#fff");
    }
  if (s.target < 0) return;
  for (const int64_t j : s.sources)
    f.rect(x + cell * static_cast<double>(j), y + cell * static_cast<double>(s.target), cell, cell, "none", "#ff8c1a",
           std::min(1.5, cell / 5));
}

}  // namespace

std::string figure_of_head(const AttentionMaps& m, int64_t layer, int64_t head, const ShownSentence& s,
                           const FigureStyle& style) {
  Figure f(style);
  const double label = widest_label(s), left = label + 2 * kLetter, n = static_cast<double>(m.length);
  const double lean = 0.64 * label, top = 0.77 * label + kText, cell = std::max(0.5, (f.width() - left - lean) / n);
  const auto every = static_cast<int64_t>(std::ceil(0.9 * kText / cell));  // label
  for (int64_t i = 0; i < m.length; ++i) {
    if (i % every != 0 && i != s.target && !is_source(s, i)) continue;
    const double at = cell * (static_cast<double>(i) + 0.5);
    f.text(left - 0.5 * kLetter, top + at + 0.35 * kText, "end", (i == s.target ? "› " : "") + label_of(s, i), colour_of(s, i));
    f.text(left + at + 0.25 * kText, top - 0.4 * kText, "start", label_of(s, i), colour_of(s, i), -50);
  }
  draw_cells(f, m, layer, head, s, left, top, cell);
  return f.finish(top + cell * n);
}

std::string figure_of_heads(const AttentionMaps& m, const ShownSentence& s, const FigureStyle& style) {
  Figure f(style);
  const double left = 3 * kLetter, gap = kText / 2, H = static_cast<double>(m.heads);
  const double side = (f.width() - left - gap * (H - 1)) / H, cell = side / static_cast<double>(m.length);
  double y = kLine;
  for (int64_t h = 0; h < m.heads; ++h)
    f.text(left + (side + gap) * static_cast<double>(h) + side / 2, kText, "middle", fmt::format("{}", h));
  for (int64_t l = 0; l < m.layers; ++l, y += side + gap) {
    f.text(left - kLetter, y + side / 2 + 0.35 * kText, "end", fmt::format("{}", l));
    for (int64_t h = 0; h < m.heads; ++h) draw_cells(f, m, l, h, s, left + (side + gap) * static_cast<double>(h), y, cell);
  }
  return f.finish(y - gap);
}

std::string figure_of_lines(const AttentionMaps& m, int64_t layer, int64_t head, const ShownSentence& s,
                            const FigureStyle& style) {
  Figure f(style);
  const double label = widest_label(s) + 2 * kLetter, left = label + kLetter, right = f.width() - label;
  const auto y = [](int64_t i) { return kLine * (static_cast<double>(i) + 0.7); };
  for (int64_t i = 0; i < m.length; ++i) {
    std::vector<int64_t> keys(static_cast<size_t>(m.length));
    std::iota(keys.begin(), keys.end(), int64_t{0});
    std::stable_sort(keys.begin(), keys.end(),
                     [&](int64_t a, int64_t b) { return m.at(layer, head, i, a) > m.at(layer, head, i, b); });
    double sum = 0;
    for (const int64_t j : keys) {
      const double a = m.at(layer, head, i, j);
      if (sum >= kTopShare || a <= 0) break;
      f.curve(left, y(i), right, y(j), i == s.target && is_source(s, j) ? kMark : kLineColour, a);
      sum += a;
    }
    f.text(left - kLetter, y(i) + 0.35 * kText, "end", (i == s.target ? "› " : "") + label_of(s, i), colour_of(s, i));
    f.text(right + kLetter, y(i) + 0.35 * kText, "start", label_of(s, i), colour_of(s, i));
  }
  return f.finish(y(m.length - 1) + kText / 2);
}

}  // namespace vitrine
