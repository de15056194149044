#pragma once
#include <string>
#include <vector>

namespace vitrine {

struct BenchTrain {
  std::string config;
  std::vector<std::string> sets;
  double seconds = 5;
  bool profile = false, json = false;
};

// `vitrine bench train`: prints what it measured; returns the exit code.
int bench_train(const BenchTrain& what);

}  // namespace vitrine
