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
  void line(double x0, double y0, double x1, double y1) {
    body_ += fmt::format("<path d=\"M{:.2f} {:.2f}L{:.2f} {:.2f}\" stroke=\"#000\" stroke-width=\"0.4\"/>\n", x0, y0, x1, y1);
  }
  void curve(double x0, double y0, double x1, double y1, std::string_view stroke, double weight) {
    const double bend = 0.45 * (x1 - x0);
    body_ += fmt::format(
        "<path d=\"M{:.2f} {:.2f}C{:.2f} {:.2f} {:.2f} {:.2f} {:.2f} {:.2f}\" fill=\"none\" stroke=\"{}\" "
        "stroke-width=\"{:.2f}\" stroke-opacity=\"{:.2f}\"/>\n",
        x0, y0, x0 + bend, y0, x1 - bend, y1, x1, y1, stroke, 0.3 + 1.7 * weight, 0.12 + 0.88 * weight);
  }

  std::string finish(double height) {
    for (const std::string& line : wrapped(style_.caption, static_cast<int>(width_ / kLetter)))
      text(0, height += kLine, "start", line, "#444");
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

std::string label_of(const std::string& token) {
  const std::string shown = printable(token);
  return fit(shown, std::min(kLabel, display_width(shown)));
}
std::string label_of(const ShownSentence& s, int64_t i) { return label_of(s.tokens[static_cast<size_t>(i)]); }
bool is_source(const ShownSentence& s, int64_t i) { return std::count(s.sources.begin(), s.sources.end(), i) > 0; }
std::string_view colour_of(const ShownSentence& s, int64_t i) { return i == s.target || is_source(s, i) ? kMark : "#000"; }

double widest_label(const ShownSentence& s) {
  int widest = 0;
  for (int64_t i = 0; i < std::ssize(s.tokens); ++i) widest = std::max(widest, display_width(label_of(s, i)));
  return widest * kLetter;
}

// Blue below 0, orange above, white at 0; the square root shows small ones, too. As dark on both sides.
Rgb colour_of(double effect) {
  constexpr Rgb kBelow{33, 102, 172}, kAbove{190, 84, 2};
  const double x = std::sqrt(std::min(1.0, std::abs(effect)));
  const Rgb end = effect < 0 ? kBelow : kAbove;
  const auto mixed = [&](uint8_t c) { return static_cast<uint8_t>(std::lround(255 + (c - 255) * x)); };
  return {mixed(end.r), mixed(end.g), mixed(end.b)};
}
// .62, −.05, 1.0; nothing for what rounds to 0.
std::string short_number(double x) {
  const double a = std::abs(x);
  if (!(a >= 0.005)) return "";
  const std::string digits = a >= 0.995 ? fmt::format("{:.1f}", a) : fmt::format("{:.2f}", a).substr(1);
  return (x < 0 ? "−" : "") + digits;
}

// The cells of one head, each a square of `cell` points.
void draw_cells(Figure& f, const AttentionMaps& m, int64_t l, int64_t h, const ShownSentence& s, double x, double y,
                double cell) {
  for (int64_t i = 0; i < m.length; ++i)
    for (int64_t j = 0; j < m.length; ++j) {
      const double a = m.at(l, h, i, j), cx = x + cell * static_cast<double>(j), cy = y + cell * static_cast<double>(i);
      f.rect(cx, cy, cell, cell, hex(cividis(a)));
      if (const std::string number = short_number(a); cell >= kNumbers && !number.empty())
        f.text(cx + cell / 2, cy + cell / 2 + 0.35 * kText, "middle", number, a > 0.5 ? "#000" : "#fff");
    }
  if (s.target < 0) return;
  for (const int64_t j : s.sources)
    f.rect(x + cell * static_cast<double>(j), y + cell * static_cast<double>(s.target), cell, cell, "none", "#ff8c1a",
           std::min(1.5, cell / 5));
}

std::string cell_of(double v, const FigureColumn& column) {
  if (!std::isfinite(v)) return "–";
  const std::string digits = fmt::format("{:.{}f}", std::abs(v), column.decimals);
  return (v < 0 && digits.find_first_not_of("0.") != digits.npos ? "−" : "") + digits;
}

// What the colours mean, below a picture that ends at y; where it ends then.
double draw_scale(Figure& f, double x, double y, Rgb (*colour)(double), double low, const std::string& from,
                  const std::string& to) {
  constexpr int kSteps = 20;
  const double first = x + (static_cast<double>(display_width(from)) + 0.7) * kLetter, step = 40.0 / kSteps,
               top = y + 0.8 * kText;
  for (int k = 0; k < kSteps; ++k)
    f.rect(first + step * k, top, step, 0.6 * kText, hex(colour(low + (1 - low) * k / (kSteps - 1))));
  f.text(x, top + 0.6 * kText, "start", from);
  f.text(first + step * kSteps + 0.7 * kLetter, top + 0.6 * kText, "start", to);
  return top + 0.8 * kText;
}
double draw_weight_scale(Figure& f, double x, double y) { return draw_scale(f, x, y, cividis, 0, "0", "1  weight α"); }

}  // namespace

std::vector<std::string> wrapped(std::string_view text, int width) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    if (lines.empty() || display_width(lines.back()) + 1 + display_width(word) > width)
      lines.emplace_back(word);
    else
      lines.back().append(" ").append(word);
    begin = end + 1;
  }
  return lines;
}

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
  return f.finish(draw_weight_scale(f, left, top + cell * n));
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
  return f.finish(draw_weight_scale(f, left, y - gap));
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

std::string figure_of_patch(const PatchGrids& g, const std::vector<std::string>& clean, const std::vector<std::string>& pair,
                            int64_t target, const FigureStyle& style) {
  Figure f(style);
  const size_t n = clean.size(), L = g.attention.size() / n, H = g.heads.size() / L;
  const auto marked = [&](size_t i) { return static_cast<int64_t>(i) == target || clean[i] != pair[i]; };
  std::vector<std::string> labels;
  int widest = 0;
  for (size_t i = 0; i < n; ++i) {
    labels.push_back((static_cast<int64_t>(i) == target ? "› " : "") + label_of(clean[i]) +
                     (clean[i] == pair[i] ? "" : " / " + label_of(pair[i])));
    widest = std::max(widest, display_width(labels.back()));
  }
  const double left = 11 * kLetter, lean = 0.64 * widest * kLetter, height = 1.5 * kText, gap = 0.5 * kText;
  const double cell = std::max(0.5, (f.width() - left - lean) / static_cast<double>(n));
  double y = 0.77 * widest * kLetter + kText;
  for (size_t i = 0; i < n; ++i)
    if (cell >= 0.9 * kText || marked(i))
      f.text(left + cell * (static_cast<double>(i) + 0.5) + 0.25 * kText, y - 0.4 * kText, "start", labels[i],
             marked(i) ? kMark : "#000", -50);
  // Rows of the effects that stand one after the other in `values`, as many as there are names.
  const auto rows = [&](const std::vector<std::string>& names, const std::vector<double>& values, double width) {
    const size_t columns = values.size() / names.size();
    for (size_t r = 0; r < names.size(); ++r, y += height) {
      f.text(left - 0.5 * kLetter, y + 0.5 * height + 0.35 * kText, "end", names[r]);
      for (size_t c = 0; c < columns; ++c) {
        const double effect = values[r * columns + c], x = left + width * static_cast<double>(c);
        f.rect(x, y, width, height, hex(colour_of(effect)), "#ccc", 0.3);
        const std::string number = short_number(effect);
        if (number.empty()) continue;
        if (width >= kLetter * (display_width(number) + 0.3))
          f.text(x + width / 2, y + 0.5 * height + 0.35 * kText, "middle", number, std::abs(effect) > 0.4 ? "#fff" : "#000");
        else if (effect < 0)
          f.line(x, y + height, x + width, y);
      }
    }
  };
  const auto names = [&](std::string_view of) {
    std::vector<std::string> out;
    for (size_t l = 0; l < L; ++l) out.push_back(fmt::format("{} {}", of, l));
    return out;
  };
  std::vector<std::string> leaves = names("block");
  leaves.insert(leaves.begin(), "embedding");
  rows(leaves, g.residual, cell), y += gap;
  rows(names("heads of"), g.attention, cell), y += gap;
  rows(names("feed-fwd"), g.feed_forward, cell), y += gap + kLine;
  const double width = std::min(22.0, (f.width() - left) / static_cast<double>(H));
  for (size_t h = 0; h < H; ++h)
    f.text(left + width * (static_cast<double>(h) + 0.5), y - 0.4 * kText, "middle", fmt::format("{}", h), "#444");
  f.text(left - 0.5 * kLetter, y - 0.4 * kText, "end", "head", "#444");
  rows(names("block"), target >= 0 ? g.heads_at_target : g.heads, width);
  return f.finish(draw_scale(f, left, y, colour_of, -1, "−1", "1  effect"));
}

std::string figure_of_table(const std::vector<std::string>& rows, const std::vector<FigureColumn>& columns,
                            const FigureStyle& style) {
  Figure f(style);
  int names = 4;
  for (const std::string& row : rows) names = std::max(names, display_width(row));
  const double first = (names + 1) * kLetter, top = 2 * kLine;
  f.text(0, top - 0.3 * kText, "start", "head", "#444");
  for (size_t r = 0; r < rows.size(); ++r) f.text(0, top + kLine * static_cast<double>(r) + 0.75 * kLine, "start", rows[r]);
  double x = first;
  for (size_t from = 0, to = 0; from < columns.size(); from = to) {
    const std::string& group = columns[from].group;
    for (to = from + 1; to < columns.size() && !group.empty() && columns[to].group == group;) ++to;
    std::vector<int> widths;  // in letters, with the space before a column
    for (size_t c = from; c < to; ++c) {
      widths.push_back(display_width(columns[c].title) + 1);
      for (const double v : columns[c].values) widths.back() = std::max(widths.back(), display_width(cell_of(v, columns[c])) + 1);
    }
    while (std::accumulate(widths.begin(), widths.end(), 0) < display_width(group) + 1)
      ++*std::min_element(widths.begin(), widths.end());
    const double end = x + kLetter * std::accumulate(widths.begin(), widths.end(), 0);
    if (end > f.width()) break;
    f.text(end, top - kLine - 0.3 * kText, "end", group, "#444");
    for (size_t c = from; c < to; ++c) {
      const FigureColumn& column = columns[c];
      const double width = kLetter * widths[c - from];
      double most = 0;
      for (const double v : column.values) most = std::max(most, std::isfinite(v) ? std::abs(v) : 0);
      x += width;
      f.text(x, top - 0.3 * kText, "end", column.title, "#444");
      for (size_t r = 0; r < rows.size(); ++r) {
        const double v = column.values[r], y = top + kLine * static_cast<double>(r);
        if (std::abs(v) > 0)
          f.rect(x - width + kLetter, y + 0.05 * kLine, (width - kLetter) * std::abs(v) / most, 0.9 * kLine, "#d5dee8");
        f.text(x, y + 0.75 * kLine, "end", cell_of(v, column));
      }
    }
  }
  f.rect(0, top - 0.25, x, 0.5, "#888");
  return f.finish(top + kLine * static_cast<double>(rows.size()));
}

}  // namespace vitrine
