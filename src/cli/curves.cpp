#include "cli/curves.h"

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "cli/statistics.h"
#include "config/config.h"
#include "train/run_directory.h"

namespace vitrine {
namespace {

using Json = nlohmann::ordered_json;
constexpr size_t kMostPoints = 1000;  // of a curve

}  // namespace

std::vector<std::pair<double, double>> thinned(const std::vector<std::pair<double, double>>& points) {
  if (points.size() <= kMostPoints) return points;
  std::vector<std::pair<double, double>> out(kMostPoints);
  for (size_t k = 0; k < kMostPoints; ++k) {
    const size_t first = k * points.size() / kMostPoints, last = (k + 1) * points.size() / kMostPoints;
    for (size_t i = first; i < last; ++i) {
      out[k].first += points[i].first / static_cast<double>(last - first);
      out[k].second += points[i].second / static_cast<double>(last - first);
    }
  }
  return out;
}

RunCurves read_curves(const std::string& path) {
  const RunDirectory run = RunDirectory::open(path);
  RunCurves out;
  out.path = path;
  for (const std::string& text : run.read_metrics()) {
    const Json line = Json::parse(text);
    const std::string split = line.value("split", "");
    for (const auto& [name, value] : numbers_of(line))
      if (std::isfinite(value)) out.numbers[{split, name}].emplace_back(line["step"].get<double>(), value);
  }
  if (out.numbers.empty()) fail(ErrorKind::kCheckpoint, "'{}' has nothing to plot: its metrics.jsonl is empty", path);
  if (std::filesystem::exists(run.config())) out.metric = load_config(run.config()).evaluation.metric;
  if (const std::string file = run.floors(); std::filesystem::exists(file)) {
    const Json floors = Json::parse(read_file(file, ErrorKind::kCheckpoint), nullptr, false);
    for (const auto& [name, value] : floors.is_object() ? numbers_of(floors) : std::vector<std::pair<std::string, double>>())
      out.floors[name] = value;
  }
  return out;
}

}  // namespace vitrine
