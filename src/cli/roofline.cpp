#include "cli/roofline.h"

#include <fmt/format.h>

#include <algorithm>

#include "train/gemm_rate.h"

namespace vitrine {
namespace {

using Json = nlohmann::ordered_json;
constexpr int64_t kInCache = 192 << 10, kInMemory = 192 << 20;  // bytes a thread
constexpr int kBar = 12;
constexpr double kLeastShare = 0.0005;  // of what is drawn

}  // namespace

MachineLimits measure_limits(Precision precision, const std::vector<GemmShape>& shapes, int threads, double seconds_each) {
  MachineLimits limits{};
  for (const GemmShape& s : shapes)
    limits.flops = std::max(limits.flops, measure_gemm(precision, s.m, s.n, s.k, threads, seconds_each) / threads);
  limits.cache_bytes = measure_bandwidth(kInCache, threads, seconds_each) / threads;
  limits.memory_bytes = measure_bandwidth(kInMemory, threads, seconds_each) / threads;
  return limits;
}

Json roofline(const std::vector<OpProfile>& profile, int64_t steps, const MachineLimits& limits) {
  double total = 0;
  for (const OpProfile& op : profile) total += op.seconds;
  Json rows = Json::array();
  for (const OpProfile& op : profile) {
    if (op.seconds <= 0) continue;
    const double intensity = op.bytes > 0 ? op.flops / op.bytes : 0;
    const bool by_bytes = intensity * limits.cache_bytes < limits.flops;
    const double reached = by_bytes ? op.bytes / op.seconds / limits.cache_bytes : op.flops / op.seconds / limits.flops;
    const auto n = static_cast<double>(steps);
    rows.push_back({{"name", op.name},
                    {"share", op.seconds / total},
                    {"calls", static_cast<double>(op.calls) / n},
                    {"ms", op.seconds * 1e3 / n},
                    {"gflops", op.flops / op.seconds / 1e9},
                    {"gb_s", op.bytes / op.seconds / 1e9},
                    {"bound", by_bytes ? "bytes" : "flops"},
                    {"of_limit", reached}});
  }
  return rows;
}

std::string draw_roofline(const Json& rows, const MachineLimits& limits, const TerminalStyle& style) {
  std::string out = fmt::format(
      "  one thread of this machine: {:.0f} GFLOP/s in products; {:.0f} GB/s out of its cache, {:.0f} GB/s out of memory\n",
      limits.flops / 1e9, limits.cache_bytes / 1e9, limits.memory_bytes / 1e9);
  const bool shares = !rows.empty() && rows[0].contains("share");
  out += toned(fmt::format("  {:<25}{}{:>10}{:>9}{:>8}  of its limit\n", "primitive", shares ? "  share    calls" : "",
                           shares ? "ms a step" : "ms a call", "GFLOP/s", "GB/s"),
               Tone::kBold, style);
  for (const Json& row : rows) {
    const auto number = [&](const char* name) { return row[name].get<double>(); };
    if (shares && number("share") < kLeastShare) continue;
    const std::string share = shares ? fmt::format("{:>5.1f} %{:>9.4g}", 100 * number("share"), number("calls")) : "";
    const int full = static_cast<int>(std::clamp(number("of_limit"), 0.0, 1.0) * kBar + 0.5);
    std::string bar;
    for (int k = 0; k < kBar; ++k) bar += k < full ? "━" : "┄";
    out +=
        fmt::format("  {:<25}{}{:>10.4f}{:>9.1f}{:>8.1f}  {} {:.0f} % {}\n", row["name"].get<std::string>(), share, number("ms"),
                    number("gflops"), number("gb_s"), toned(bar, row["bound"] == "flops" ? Tone::kGood : Tone::kFaint, style),
                    100 * number("of_limit"), row["bound"].get<std::string>());
  }
  return out;
}

}  // namespace vitrine
