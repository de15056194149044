#include "inspect/attention_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace vitrine {
namespace {

constexpr int kGap = 3;              // columns between two small maps
constexpr int kLabel = 12;           // columns of a query's label beside a small map, at most
constexpr int64_t kLabelled = 24;    // longest sentence whose small maps have a line for each query
constexpr int64_t kSmall = 32;       // cells across a small map of a longer sentence
constexpr int kTruncated = 6;        // columns that a key's label keeps when the sentence does not fit across
constexpr int64_t kRowEntries = 40;  // bars of one row

bool is_source(const ShownSentence& s, int64_t i) { return std::find(s.sources.begin(), s.sources.end(), i) != s.sources.end(); }

std::string label_of(const ShownSentence& s, int64_t i) {
  const std::string token = printable(s.tokens[static_cast<size_t>(i)]);
  return is_source(s, i) ? "«" + token + "»" : token;
}
std::string query_label(const ShownSentence& s, int64_t i, int width) {
  return (i == s.target ? "› " : "  ") + fit(label_of(s, i), width - 2, true);
}

std::string digit(double a) {
  const int tenths = std::min(9, static_cast<int>(a * 10 + 1e-9));
  return tenths <= 0 ? "·" : std::to_string(tenths);
}
std::string number(double a) {  // three columns
  if (a < 0.005) return "  ·";
  if (a >= 0.995) return "1.0";
  return fmt::format(".{:02d}", static_cast<int>(std::lround(a * 100)));
}

std::string without_trailing_spaces(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string wrap(std::string_view text, int width) {
  std::string out, line;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    if (!line.empty() && display_width(line) + 1 + display_width(word) > width) {
      out += without_trailing_spaces(line);
      line.clear();
    }
    if (!line.empty()) line += ' ';
    line += display_width(word) > width ? fit(word, width) : std::string(word);
    begin = end + 1;
  }
  return out + without_trailing_spaces(line);
}

// How the small maps of all heads are laid out.
struct Grid {
  bool labelled = false;
  int64_t pool = 1;    // a cell is the largest of pool × pool weights
  int64_t cells = 0;   // across a map
  int cell_width = 1;  // columns of a cell
  int label = 2;       // columns left of the first map
  int64_t maps = 1;    // in one row
  int map_width() const { return static_cast<int>(cells) * cell_width; }
  int width(int64_t count) const { return label + static_cast<int>(count) * (map_width() + kGap) - kGap; }
};

Grid lay_out(const AttentionMaps& m, const ShownSentence& s, int width) {
  Grid g;
  g.labelled = m.length <= kLabelled && m.length + 2 <= width;
  if (g.labelled) {
    int longest = 0;
    for (int64_t i = 0; i < m.length; ++i) longest = std::max(longest, display_width(label_of(s, i)));
    g.cells = m.length;
    g.label = std::min(longest, kLabel) + 3;
    g.cell_width = 2;
    if (g.width(m.heads) > width) g.cell_width = 1;
    if (g.width(1) > width) g.label = 2;
  } else {
    const int64_t across =
        std::max<int64_t>(1, std::min<int64_t>(m.heads * (m.length + kGap) + 2 <= width ? m.length : kSmall, width - 2));
    g.pool = (m.length + across - 1) / across;
    g.cells = (m.length + g.pool - 1) / g.pool;
  }
  while (g.maps < m.heads && g.width(g.maps + 1) <= width) ++g.maps;
  return g;
}

double pooled(const AttentionMaps& m, int64_t l, int64_t h, int64_t row, int64_t column, int64_t pool) {
  double largest = 0;
  for (int64_t i = row * pool; i < std::min(m.length, (row + 1) * pool); ++i)
    for (int64_t j = column * pool; j < std::min(m.length, (column + 1) * pool); ++j)
      largest = std::max(largest, m.at(l, h, i, j));
  return largest;
}

// Line `line` of a small map: one query where there are labels, else two.
std::string map_line(const AttentionMaps& m, int64_t l, int64_t h, int64_t line, const Grid& g, const TerminalStyle& style) {
  std::string out;
  for (int64_t c = 0; c < g.cells; ++c) {
    if (g.labelled) {
      const double a = m.at(l, h, line, c);
      const std::string text = style.colours == Colours::kNone ? digit(a) : " ";
      out += on_colour(fit(text, g.cell_width, true), a, style);
    } else {
      const double upper = pooled(m, l, h, 2 * line, c, g.pool), lower = pooled(m, l, h, 2 * line + 1, c, g.pool);
      out += style.colours == Colours::kNone ? digit(std::max(upper, lower)) : half_block(upper, lower, style);
    }
  }
  return out;
}

// Marks the columns of the sources above a map.
std::string source_line(const ShownSentence& s, const Grid& g) {
  std::string out;
  for (int64_t c = 0; c < g.cells; ++c) {
    bool marked = false;
    for (int64_t source : s.sources) marked |= source / g.pool == c;
    out += fit(marked ? "▾" : " ", g.cell_width, true);
  }
  return out;
}

}  // namespace

double weight_on_sources(const AttentionMaps& maps, int64_t layer, int64_t head, const ShownSentence& s) {
  double sum = 0;
  for (int64_t source : s.sources) sum += maps.at(layer, head, s.target, source);
  return sum;
}

std::string draw_heads(const AttentionMaps& m, const ShownSentence& s, const TerminalStyle& style) {
  const Grid g = lay_out(m, s, style.width);
  const bool linked = s.target >= 0 && !s.sources.empty();
  const std::string gap(kGap, ' '), margin(static_cast<size_t>(g.label), ' ');
  std::string out;
  for (int64_t l = 0; l < m.layers; ++l)
    for (int64_t first = 0; first < m.heads; first += g.maps) {
      const int64_t last = std::min(m.heads, first + g.maps);
      const auto join = [&](const std::string& left, auto&& part) {
        std::string line = left;
        for (int64_t h = first; h < last; ++h) line += (h > first ? gap : "") + part(h);
        out += without_trailing_spaces(line);
      };
      const std::string block = fit(fmt::format("block {}", l), g.label);
      if (g.label < 8) out += without_trailing_spaces(fit(fmt::format("block {}", l), style.width));
      join(g.label < 8 ? margin : toned(block, Tone::kBold, style), [&](int64_t h) {
        return toned(fit(g.map_width() < 7 ? fmt::format("h{}", h) : fmt::format("head {}", h), g.map_width()), Tone::kBold,
                     style);
      });
      if (linked) join(margin, [&](int64_t) { return source_line(s, g); });
      const int64_t lines = g.labelled ? g.cells : (g.cells + 1) / 2;
      for (int64_t line = 0; line < lines; ++line) {
        std::string left;
        if (g.labelled)
          left = g.label < 5 ? fit(line == s.target ? "›" : "", g.label) : query_label(s, line, g.label - 1) + " ";
        else
          left = fit(s.target >= 0 && s.target / g.pool / 2 == line ? "›" : "", g.label);
        join(left, [&](int64_t h) { return map_line(m, l, h, line, g, style); });
      }
      if (linked)
        join(g.label < 8 ? margin : fit("on «…»", g.label - 1, true) + " ",
             [&](int64_t h) { return fit(number(weight_on_sources(m, l, h, s)), g.map_width()); });
      out += "\n";
    }
  if (g.pool > 1) out += wrap(fmt::format("Each cell is the largest of {0} × {0} weights.", g.pool), style.width);
  return out;
}

std::string draw_head(const AttentionMaps& m, int64_t layer, int64_t head, const ShownSentence& s, const TerminalStyle& style) {
  std::string out = toned(fit(fmt::format("block {}, head {}", layer, head), std::min(style.width, 24)), Tone::kBold, style);
  out = without_trailing_spaces(out);
  int label = 0;
  std::vector<int> widths;
  for (int64_t i = 0; i < m.length; ++i) {
    const int w = display_width(label_of(s, i));
    label = std::max(label, w);
    widths.push_back(std::max(w, is_source(s, i) ? 5 : 3) + 1);
  }
  label = std::min(label, kLabel + 4) + 3;
  const auto total = [&] { return label + std::accumulate(widths.begin(), widths.end(), 0); };
  if (total() > style.width)
    for (int& w : widths) w = std::min(w, kTruncated + 1);
  const bool colour = style.colours != Colours::kNone;
  if (total() <= style.width) {  // the sentence across, the weights as numbers
    std::string line(static_cast<size_t>(label), ' ');
    for (int64_t j = 0; j < m.length; ++j) line += " " + fit(label_of(s, j), widths[static_cast<size_t>(j)] - 1, true);
    out += without_trailing_spaces(line);
    for (int64_t i = 0; i < m.length; ++i) {
      line = query_label(s, i, label - 1) + " ";
      for (int64_t j = 0; j < m.length; ++j) {
        const double a = m.at(layer, head, i, j);
        const bool gold = i == s.target && is_source(s, j);
        line += on_colour(fit(gold ? "[" + number(a) + "]" : number(a), widths[static_cast<size_t>(j)], true), a, style);
      }
      out += without_trailing_spaces(line);
    }
    return out + "\n";
  }
  // Narrow: positions instead of words above; a long sentence becomes one picture of ▀ cells.
  const int digits = m.length > 100 ? 3 : m.length > 10 ? 2 : 1;
  label += digits + 1;
  const int64_t room = style.width - label;
  if (m.length > room) {
    AttentionMaps one(1, 1, m.length);
    std::copy_n(m.weights.begin() + static_cast<std::ptrdiff_t>(m.index(layer, head, 0, 0)), m.length * m.length,
                one.weights.begin());
    Grid g;
    g.pool = (m.length + std::max(style.width - 2, 1) - 1) / std::max(style.width - 2, 1);
    g.cells = (m.length + g.pool - 1) / g.pool;
    if (!s.sources.empty()) out += without_trailing_spaces("  " + source_line(s, g));
    for (int64_t line = 0; line < (g.cells + 1) / 2; ++line)
      out += without_trailing_spaces((s.target >= 0 && s.target / g.pool / 2 == line ? "› " : "  ") +
                                     map_line(one, 0, 0, line, g, style));
    if (g.pool > 1) out += wrap(fmt::format("Each cell is the largest of {0} × {0} weights.", g.pool), style.width);
    return out + "\n";
  }
  const int cell = 2 * m.length <= room ? 2 : 1;
  for (int d = digits - 1; d >= 0; --d) {
    std::string line(static_cast<size_t>(label), ' ');
    const auto power = static_cast<int64_t>(std::pow(10, d));
    for (int64_t j = 0; j < m.length; ++j) line += fit(j >= power || d == 0 ? std::to_string(j / power % 10) : "", cell, true);
    out += without_trailing_spaces(line);
  }
  if (!s.sources.empty()) {
    std::string line(static_cast<size_t>(label), ' ');
    for (int64_t j = 0; j < m.length; ++j) line += fit(is_source(s, j) ? "▾" : "", cell, true);
    out += without_trailing_spaces(line);
  }
  for (int64_t i = 0; i < m.length; ++i) {
    std::string line = query_label(s, i, label - digits - 2) + " " + fit(std::to_string(i), digits, true) + " ";
    for (int64_t j = 0; j < m.length; ++j) {
      const double a = m.at(layer, head, i, j);
      line += on_colour(fit(colour ? "" : digit(a), cell, true), a, style);
    }
    out += without_trailing_spaces(line);
  }
  return out + "\n";
}

std::string draw_row(const AttentionMaps& m, int64_t layer, int64_t head, int64_t query, const ShownSentence& s,
                     const TerminalStyle& style) {
  std::vector<int64_t> keys(static_cast<size_t>(m.length));
  std::iota(keys.begin(), keys.end(), int64_t{0});
  if (m.length > kRowEntries) {  // the largest, in the order of the sentence
    std::stable_sort(keys.begin(), keys.end(),
                     [&](int64_t a, int64_t b) { return m.at(layer, head, query, a) > m.at(layer, head, query, b); });
    keys.resize(static_cast<size_t>(kRowEntries));
    std::sort(keys.begin(), keys.end());
  }
  int label = 0;
  for (int64_t j : keys) label = std::max(label, display_width(label_of(s, j)));
  label = std::clamp(label, 1, std::max(1, std::min(20, style.width - 10))) + 2;
  const int room = std::clamp(style.width - label - 6, 0, 40);
  std::string out;
  for (int64_t j : keys) {
    const double a = m.at(layer, head, query, j);
    const int eighths = static_cast<int>(std::lround(std::clamp(a, 0.0, 1.0) * room * 8));
    std::string bar;
    for (int k = 0; k < eighths / 8; ++k) bar += "█";
    constexpr std::array<std::string_view, 8> parts{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    bar += parts[static_cast<size_t>(eighths % 8)];
    const std::string text = query_label(s, j, label) + " " + number(a) + " ";
    out += without_trailing_spaces(text + (is_source(s, j) ? toned(bar, Tone::kGood, style) : bar));
  }
  return out;
}

std::string draw_legend(const AttentionMaps& m, const ShownSentence& s, const TerminalStyle& style) {
  std::string out;
  if (s.target >= 0)
    out += wrap(s.sources.empty() ? "› the word asked for"
                                  : "› the word asked for   «…» ▾ what decides it   [ ] the weight between the two",
                style.width);
  if (style.colours == Colours::kNone) {
    out += wrap(
        "Rows are queries (the word that looks), columns are keys (what it looks at). A digit is the tenths of a weight, · is "
        "less than 0.1.",
        style.width);
  } else {
    out += wrap("Rows are queries (the word that looks), columns are keys (what it looks at).", style.width);
    std::string bar = "0 ";
    for (int k = 0; k < std::clamp(style.width - 4, 1, 20); ++k) bar += on_colour(" ", k / 19.0, style);
    out += bar + " 1\n";
  }
  const double error = m.largest_row_error();
  out += wrap(error < 1e-3 ? fmt::format("Every row{} sums to 1 (largest deviation {:.0e}).",
                                         m.rows_without_keys() > 0 ? " with a key" : "", error)
                           : fmt::format("Rows do NOT sum to 1: largest deviation {:.2g}.", error),
              style.width);
  return out;
}

}  // namespace vitrine
