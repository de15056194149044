#pragma once
#include "backend/ops/top_k_math.h"
#include "backend/ops/warp.cuh"

// The k largest of some numbers, by one warp. each(f) calls f(x) in every thread for its share of them.
namespace vitrine::inline VITRINE_PRECISION {

struct Least {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return b < a ? b : a;
  }
};

// The k-th largest of more than k numbers: the largest x that k of them reach, by halving, as on the CPU.
template <class Each>
__device__ Ordered kth_largest(const Each& each, int64_t k) {
  Ordered low = std::numeric_limits<Ordered>::max(), high = std::numeric_limits<Ordered>::min();
  each([&](Ordered x) {
    low = x < low ? x : low;
    high = x > high ? x : high;
  });
  low = over_row<kWarp>(low, Least{}), high = over_row<kWarp>(high, Largest{});
  while (low < high) {
    const Ordered middle = between(low, high);
    Ordered reached = 0;
    each([&](Ordered x) { reached += x >= middle ? 1 : 0; });
    if (over_row<kWarp>(reached, Sum{}) >= k)
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

// Which numbers are among the k largest, asked in order, 32 at a time, by all lanes: those above `least`, and the first of its equals.
class Border {
 public:
  template <class Each>
  __device__ Border(const Each& each, Ordered least, int64_t k) : least_(least) {
    Ordered above = 0;
    each([&](Ordered x) { above += x > least ? 1 : 0; });
    equal_ = static_cast<int>(k) - static_cast<int>(over_row<kWarp>(above, Sum{}));
  }
  __device__ bool keeps(Ordered x, bool asked) {
    const unsigned equal = __ballot_sync(kAllLanes, asked && x == least_), before = (1u << threadIdx.x) - 1;
    const bool kept = asked && (x > least_ || (x == least_ && __popc(equal & before) < equal_));
    equal_ -= __popc(equal);
    return kept;
  }

 private:
  Ordered least_;
  int equal_;  // how many of the equals are kept
};

}  // namespace vitrine::inline VITRINE_PRECISION
