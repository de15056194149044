#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace vitrine {

// `--set key=a,b,c`: a key and the values that it takes in turn.
struct SweepAxis {
  std::string key;
  std::vector<std::string> values;
};

// Splits at the commas that stand in no brackets and no quotes: "[0.9, 0.99],[0.8, 0.9]" is two values. Error{kConfig} for one
// that is empty or stands there twice.
SweepAxis parse_axis(const std::string& assignment);

// The grid in order, the last axis fastest: for each cell the assignments for `--set`.
std::vector<std::vector<std::string>> grid_of(const std::vector<SweepAxis>& axes);

// The name of a run's folder: "model.heads=2_seed=1", without characters that file names and shells dislike.
std::string sweep_run_name(const std::vector<std::string>& assignments, int64_t seed);

}  // namespace vitrine
