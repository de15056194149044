#include "cli/bench_attention.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "cli/chart.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "config/config.h"
#include "train/attention_rates.h"

namespace vitrine {
namespace {

using Json = nlohmann::ordered_json;

const std::vector<std::string> kAll = {"full/dense", "full",          "local",   "block_sparse", "top_k",
                                       "entmax",     "adaptive_span", "routing", "linear",       "performer"};
constexpr int64_t kSlopeFrom = 1024;  // tokens: shorter sequences say more about fixed costs than about growth

// A kind as a configuration has it, with its defaults; what has none is small against the lengths of interest.
AttentionSettings settings_of(const std::string& name, int64_t T, const BenchAttention& what) {
  const size_t slash = name.find('/');
  const std::string kind = name.substr(0, slash);
  std::string keys = "kind: " + kind;
  if (slash != std::string::npos) keys += ", implementation: " + name.substr(slash + 1);
  if (kind == "top_k") keys += ", k: 32";
  if (kind == "adaptive_span") keys += fmt::format(", initial: {}", std::min<int64_t>(T, 64));
  return parse_config(
             fmt::format("data: {{kind: random, vocabulary_size: 16, length: {}, train_sentences: 1, validation_sentences: 0}}\n"
                         "model: {{width: {}, heads: {}, layers: 1, position: none, attention: {{{}, causal: {}}}}}\n"
                         "objective: {{kind: masked_lm}}\ntraining: {{steps: 1}}\nschedule: {{kind: constant}}\nevaluation: "
                         "{{every: 0}}\n",
                         T, what.width, what.heads, keys, what.causal),
             "bench attention", what.sets)
      .config.model.attention[0];
}

struct Cell {
  std::string kind, left_out;  // why, if it was not measured
  int64_t T = 0, bytes = 0;
  double seconds = 0;
};

std::vector<Cell> measure(const std::string& kind, const BenchAttention& what) {
  const double machine = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGE_SIZE));
  std::vector<Cell> cells;
  double guess = 0;  // of the next pass: that before it, should it grow with T²
  for (const int64_t T : what.lengths) {
    AttentionCase of{settings_of(kind, T, what), T, what.width, what.heads, what.threads, !what.forward};
    Cell cell{kind, "", T, plan_attention(Precision::kFloat32, of), 0};
    if (!cells.empty() && cells.back().seconds > 0)
      guess = cells.back().seconds * std::pow(double(T) / double(cells.back().T), 2);
    if (static_cast<double>(cell.bytes) * what.threads > machine / 4)
      cell.left_out = "memory";
    else if (guess > what.limit)
      cell.left_out = "time";
    else
      cell.seconds = measure_attention(Precision::kFloat32, of, what.seconds).seconds;
    cells.push_back(cell);
  }
  return cells;
}

using Value = double (*)(const Cell&);  // of which a table is made
double milliseconds(const Cell& cell) { return cell.seconds * 1e3; }
double planned_mib(const Cell& cell) { return double(cell.bytes) / (1 << 20); }

// p of T^p, between the first length that counts and the last.
std::optional<double> slope(const std::vector<Cell>& cells, Value value) {
  const Cell *first = nullptr, *last = nullptr;
  for (const Cell& cell : cells) {
    if (cell.T < kSlopeFrom || value(cell) <= 0) continue;
    if (first == nullptr) first = &cell;
    last = &cell;
  }
  if (first == last) return {};
  return std::log(value(*last) / value(*first)) / std::log(double(last->T) / double(first->T));
}

std::string table(const std::string& title, const std::vector<std::vector<Cell>>& rows, bool measured, Value value) {
  std::string out = fmt::format("{}\n  {:<15}", title, "tokens");
  for (const Cell& cell : rows[0]) out += fmt::format("{:>9}", cell.T);
  out += "  grows as\n";
  for (const auto& row : rows) {
    out += fmt::format("  {:<15}", row[0].kind);
    for (const Cell& cell : row)
      out += measured && !cell.left_out.empty() ? fmt::format("{:>9}", cell.left_out) : fmt::format("{:>9.4g}", value(cell));
    const auto power = slope(row, value);
    out += power ? fmt::format("  T^{:.2f}\n", *power) : "\n";
  }
  return out;
}

}  // namespace

int bench_attention(const BenchAttention& what) {
  std::vector<std::vector<Cell>> rows;
  for (const std::string& kind : what.kinds.empty() ? kAll : what.kinds) rows.push_back(measure(kind, what));
  Json cells = Json::array();
  Chart chart{"log10 of milliseconds", "log2 of tokens", {}, {}};
  for (const auto& row : rows) {
    Curve curve{row[0].kind, chart.curves.size(), false, {}};
    for (const Cell& cell : row) {
      cells.push_back({{"kind", cell.kind}, {"tokens", cell.T}, {"planned_mb", planned_mib(cell)}});
      if (!cell.left_out.empty()) cells.back()["left_out"] = cell.left_out;
      if (cell.left_out.empty())
        cells.back()["ms"] = milliseconds(cell),
        curve.points.emplace_back(std::log2(double(cell.T)), std::log10(milliseconds(cell)));
    }
    if (const auto power = slope(row, milliseconds)) curve.name += fmt::format(" T^{:.2f}", *power);
    chart.curves.push_back(std::move(curve));
  }
  if (!what.out.empty()) write_file_atomically(what.out, draw_svg({chart}));
  const std::string pass = what.forward ? "forward" : "forward and backward";
  if (what.json) {
    print(Json{{"pass", pass},
               {"width", what.width},
               {"heads", what.heads},
               {"threads", what.threads},
               {"causal", what.causal},
               {"cells", cells}}
              .dump() +
          "\n");
    return 0;
  }
  print(table(fmt::format("Milliseconds, {}: {} sequence{} of width {} in {} heads, one a thread; the core alone, float32", pass,
                          what.threads, what.threads == 1 ? "" : "s", what.width, what.heads),
              rows, true, milliseconds) +
        "\n" + table("Planned memory, MiB a sequence", rows, false, planned_mib));
  return 0;
}

}  // namespace vitrine
