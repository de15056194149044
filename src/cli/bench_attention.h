#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace vitrine {

// What `vitrine bench attention` was asked.
struct BenchAttention {
  std::vector<std::string> kinds, sets;  // KIND or KIND/IMPLEMENTATION; none: all
  std::vector<int64_t> lengths{128, 256, 512, 1024, 2048, 4096, 8192, 16384};
  int64_t width = 128, heads = 4;
  int threads = 1;
  bool causal = false, forward = false, json = false;
  double seconds = 0.2, limit = 20;  // for each cell; one that would take longer for a pass is left out
  std::string out;                   // an SVG file
};
int bench_attention(const BenchAttention& what);

}  // namespace vitrine
