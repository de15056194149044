#include "backend/simt/support.h"

using namespace vitrine;

namespace {

enum class Wrong {
  kNothing,
  kSomeSkip,
  kTwoBarriers,
  kSomeReturn,
  kMoreRounds,
  kShuffleInBranch,
  kLaneNotNamed,
  kMasksDiffer,
  kReadsReturned,
  kCallsDiffer
};

template <Wrong kWrong>
__global__ void diverge(int* out) {
  const int t = int(threadIdx.x);
  int v = t;
  if constexpr (kWrong == Wrong::kSomeSkip)
    if (t < 40) __syncthreads();  // skipped
  if constexpr (kWrong == Wrong::kTwoBarriers) {
    if (t < 32)
      __syncthreads();  // one
    else
      __syncthreads();  // other
  }
  if constexpr (kWrong == Wrong::kSomeReturn) {
    if (t == 47) return;
    __syncthreads();  // without 47
  }
  if constexpr (kWrong == Wrong::kMoreRounds)
    for (int i = 0; i < (t < 32 ? 2 : 3); ++i) __syncthreads();  // round
  if constexpr (kWrong == Wrong::kShuffleInBranch)
    if (t % 2) v += __shfl_xor_sync(~0u, v, 1);                                                       // odd lanes
  if constexpr (kWrong == Wrong::kLaneNotNamed) v += __shfl_xor_sync(0xffffu, v, 1);                  // half
  if constexpr (kWrong == Wrong::kMasksDiffer) v += __shfl_xor_sync(t == 5 ? 0xffu : 0xffffu, v, 1);  // masks
  if constexpr (kWrong == Wrong::kReadsReturned) {
    if (t == 1) return;
    v = __shfl_xor_sync(~0u, v, 1);  // from 1
  }
  if constexpr (kWrong == Wrong::kCallsDiffer) {
    if (t % 2)
      v = __shfl_sync(~0u, v, 0);  // shuffle
    else
      __syncwarp();  // sync
  }
  out[t] = v;
}

// What is said of two blocks of so many threads; and the machine is as good as new after it.
template <Wrong kWrong>
std::string fault_in(int threads) {
  OnDevice<int> out(64), next(64);
  std::string found = fault_of([&] { launch(diverge<kWrong>, 2, unsigned(threads), 0, nullptr, out); });
  launch(diverge<Wrong::kNothing>, 1, 64, 0, nullptr, next);
  CHECK(next.read()[63] == 63);
  return found;
}

std::string at(const std::string& mark) { return line_of("divergence_test.cu", mark); }

}  // namespace

TEST_CASE("barriers that not all threads reach are found, in any order, and say kernel, threads and lines") {
  in_every_order([] {
    CHECK_THAT(fault_in<Wrong::kSomeSkip>(48),
               Contains("kernel diverge<") && Contains("40 in __syncthreads at " + at("skipped")) && Contains("8 have returned"));
    CHECK_THAT(fault_in<Wrong::kTwoBarriers>(48),
               Contains(at("one")) && Contains(at("other")) && Contains("is in __syncthreads at "));
    CHECK_THAT(fault_in<Wrong::kSomeReturn>(48),
               Contains("47 in __syncthreads at " + at("without 47")) && Contains("1 have returned"));
    CHECK_THAT(fault_in<Wrong::kMoreRounds>(48),
               Contains("16 in __syncthreads at " + at("round")) && Contains("32 have returned"));
  });
}

TEST_CASE("shuffles and votes whose mask is not true are found, in any order") {
  in_every_order([] {
    CHECK_THAT(fault_in<Wrong::kShuffleInBranch>(32), Contains("a shuffle at " + at("odd lanes")) || Contains("takes no part"));
    CHECK_THAT(fault_in<Wrong::kLaneNotNamed>(32), Contains(at("half") + " under the mask 0xffff, which does not name it"));
    CHECK_THAT(fault_in<Wrong::kMasksDiffer>(16), Contains("1 in a shuffle at " + at("masks") + " under the mask 0xff ") &&
                                                      Contains("15 in a shuffle at " + at("masks") + " under the mask 0xffff "));
    CHECK_THAT(fault_in<Wrong::kReadsReturned>(32),
               Contains("lane 0 of warp 0 reads lane 1 at " + at("from 1") + ", which takes no part"));
    CHECK_THAT(fault_in<Wrong::kCallsDiffer>(32), Contains(at("shuffle")) && Contains("__syncwarp at " + at("sync")));
  });
}
