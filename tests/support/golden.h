#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/safetensors.h"
#include "model/settings.h"

namespace vitrine {

// A file of tests/golden/: what PyTorch computed in float64, and how to build what must compute the same (scripts/make_golden.py).
struct Golden {
  std::string name;
  SafeTensors file;
  nlohmann::json settings;

  std::vector<double> numbers(const std::string& tensor) const { return file.at(tensor).as_double(); }
  std::vector<int32_t> whole(const std::string& tensor) const;
  bool has(const std::string& tensor) const { return file.find(tensor) != nullptr; }
  SafeTensors below(const std::string& prefix) const;  // the tensors whose names start so, without the prefix
};
Golden read_golden(const std::string& path_below_golden);
std::vector<Golden> read_goldens(const std::string& folder);

ModelSettings golden_model(const nlohmann::json& settings);
ObjectiveSettings golden_objective(const nlohmann::json& settings);

// max |a − e| / max(1, max |e|) over all entries; infinity when sizes differ or something is not finite.
double golden_error(const std::vector<double>& actual, const std::vector<double>& expected);
// What it may be: the arithmetic of PyTorch and ours differs in the order of sums, and in float in precision.
constexpr double kGoldenFloat64 = 1e-12, kGoldenFloat32 = 5e-6;

}  // namespace vitrine
