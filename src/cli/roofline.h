#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/op_profile.h"
#include "inspect/terminal_text.h"
#include "train/engine.h"

namespace vitrine {

// What one thread of this machine reaches, measured while `threads` of them work.
struct MachineLimits {
  double flops;         // a second, in products
  double cache_bytes;   // a second, out of a core's own cache
  double memory_bytes;  // a second, out of memory
};
struct GemmShape {
  int64_t m, n, k;
};
MachineLimits measure_limits(Precision precision, const std::vector<GemmShape>& shapes, int threads, double seconds_each);

// Rows of the roofline (Williams, Waterman & Patterson 2009): a primitive with I operations a byte can reach no more than
// min(flops, I · bytes), its operands being in the cache at best. In JSON: name, share, calls, ms, gflops, gb_s, bound, of_limit.
nlohmann::ordered_json roofline(const std::vector<OpProfile>& profile, int64_t steps, const MachineLimits& limits);
std::string draw_roofline(const nlohmann::ordered_json& rows, const MachineLimits& limits, const TerminalStyle& style);

}  // namespace vitrine
