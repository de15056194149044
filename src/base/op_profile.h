#pragma once
#include <cstdint>
#include <string>

namespace vitrine {

// What one primitive of the backend did, and what it cost, one thread after the other. flops counts additions and multiplications of its
// formula (an exponential as kFlopsOfExp), bytes every operand once: what must move at the least when nothing is in a cache.
struct OpProfile {
  std::string name;
  int64_t calls = 0;
  double seconds = 0, flops = 0, bytes = 0;
};
constexpr double kFlopsOfExp = 20;

}  // namespace vitrine
