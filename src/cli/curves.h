#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace vitrine {

// What a run's metrics.jsonl and floors.json say, by the split and the name of the number: ("validation", "accuracy").
struct RunCurves {
  std::string path, metric;
  std::map<std::pair<std::string, std::string>, std::vector<std::pair<double, double>>> numbers;  // step, value
  std::map<std::string, double> floors;
};
RunCurves read_curves(const std::string& path);

// At most a thousand points: means of equal parts.
std::vector<std::pair<double, double>> thinned(const std::vector<std::pair<double, double>>& points);

}  // namespace vitrine
