#include "backend/simt/support.h"

using namespace vitrine;

namespace {

// Faults that an execution in order does not show: each kernel computes what its author wanted, or would on many days. What is in comments at
// the end of lines is what reports must name. A launch has 2 blocks of 64 threads.
enum class Bug {
  kNone,
  // of shared memory, within a block
  kNoBarrierBeforeRead,
  kNoBarrierBeforeReuse,
  kNoSyncwarp,
  kShuffleInsteadOfSyncwarp,
  kSyncwarpOfHalf,
  kSharedCounter,
  kStaticNeverWritten,
  kDynamicNeverWritten,
  kOfLastBlock,
  kStaticTooShort,
  kPointerBehindStatic,
  kDynamicTooShort,
  // of global memory
  kTwoBlocksWrite,
  kReadsOtherBlock,
  kManyReadOneWrites,
  kReaderOfOtherWarp,
  kAtomicAndPlain,
  kGlobalTooShort,
  kGlobalBefore,
  kGlobalNeverWritten,
  kFreed,
  kMisaligned,
  // the host's memory
  kHostPointer,
  kHostVariable,
};

struct Arguments {
  int *out, *in, *host, *counter;  // [128], [128], [64], [1]
  int always_one;                  // which the compiler does not know
};

int host_variable = 7;

template <Bug kBug>
__global__ void buggy(Arguments a) {
  __shared__ int part[64];
  __shared__ int behind[64];
  int* const dynamic = dynamic_smem<int>();  // [64]
  const int t = int(threadIdx.x), i = int(blockIdx.x * blockDim.x) + t, lane = t % 32;
  int v = t;
  if constexpr (kBug == Bug::kNone) {
    part[t] = a.in[i], dynamic[63 - t] = t;
    __syncthreads();
    v = part[63 - t] + dynamic[t];
    __syncthreads();
    part[t] = v;
    __syncwarp();
    v = part[t ^ 1];
    atomicAdd(a.counter, 1);
  }
  if constexpr (kBug == Bug::kNoBarrierBeforeRead) {
    part[t] = t;       // written
    v = part[63 - t];  // read
  }
  if constexpr (kBug == Bug::kNoBarrierBeforeReuse) {
    part[t] = t;
    __syncthreads();
    v = part[63 - t];  // first use
    part[t] = v;       // second use
  }
  if constexpr (kBug == Bug::kNoSyncwarp) {
    part[t] = t;      // lane writes
    v = part[t ^ 1];  // lane reads
  }
  if constexpr (kBug == Bug::kShuffleInsteadOfSyncwarp) {
    part[t] = t;  // before the shuffle
    v = __shfl_xor_sync(~0u, v, 1);
    v += part[t ^ 1];  // after the shuffle
  }
  if constexpr (kBug == Bug::kSyncwarpOfHalf) {
    part[t] = t;  // by both halves
    __syncwarp(lane < 16 ? 0xffffu : 0xffff0000u);
    v = part[t ^ 16];  // of the other half
  }
  if constexpr (kBug == Bug::kSharedCounter) {
    if (t == 0) part[0] = 0;
    __syncthreads();
    part[0] += 1;  // counted
    __syncthreads();
    v = part[0];
  }
  if constexpr (kBug == Bug::kStaticNeverWritten) {
    if (t < 63) part[t] = t;
    __syncthreads();
    v = part[63 - t];  // the last one
  }
  if constexpr (kBug == Bug::kDynamicNeverWritten) {
    if (t > 0) dynamic[t] = t;
    __syncthreads();
    v = dynamic[0];  // the first one
  }
  if constexpr (kBug == Bug::kOfLastBlock) {
    if (blockIdx.x == 0) part[t] = t;
    __syncthreads();
    v = part[t];  // of the block before
  }
  if constexpr (kBug == Bug::kStaticTooShort) part[t + a.always_one] = t;  // one too far
  if constexpr (kBug == Bug::kPointerBehindStatic) {
    int* p = part + a.always_one;
    asm("" : "+r"(p));
    p[t] = t;  // through a pointer
    behind[t] = t;
    __syncthreads();
    v = behind[63 - t];
  }
  if constexpr (kBug == Bug::kDynamicTooShort) dynamic[t + a.always_one] = t;  // dynamic too short
  if constexpr (kBug == Bug::kTwoBlocksWrite) a.in[t] = v;                     // by each block
  if constexpr (kBug == Bug::kReadsOtherBlock) {
    a.in[i] = v;               // own
    v = a.in[(i + 64) % 128];  // foreign
  }
  if constexpr (kBug == Bug::kManyReadOneWrites) {
    v = a.in[5];                   // all read
    if (t == 40) a.in[5] = v + 1;  // one writes
  }
  if constexpr (kBug == Bug::kReaderOfOtherWarp) {
    v = a.in[blockIdx.x];  // two warps read
    __syncwarp();
    if (t == 0) a.in[blockIdx.x] = v + 1;  // after its own
  }
  if constexpr (kBug == Bug::kAtomicAndPlain) {
    atomicAdd(&a.in[3], 1);   // atomic
    if (t == 9) v = a.in[3];  // plain
  }
  if constexpr (kBug == Bug::kGlobalTooShort) v = a.in[i + a.always_one];                       // global too short
  if constexpr (kBug == Bug::kGlobalBefore) v = a.in[i - a.always_one];                         // before it
  if constexpr (kBug == Bug::kGlobalNeverWritten) v = a.out[i] + 1;                             // never written
  if constexpr (kBug == Bug::kFreed) v = a.in[i];                                               // freed
  if constexpr (kBug == Bug::kMisaligned) v = reinterpret_cast<int4*>(a.in + a.always_one)->x;  // four at once
  if constexpr (kBug == Bug::kHostPointer) v = a.host[t];                                       // of the hosts
  if constexpr (kBug == Bug::kHostVariable) host_variable = t;                                  // variable
  a.out[i] = v;
}

template <Bug kBug>
std::string report() {
  OnDevice<int> out(128), in(std::vector<int>(128, 3)), counter(std::vector<int>(1));
  std::vector<int> host(64);
  if constexpr (kBug == Bug::kFreed) {
    int* freed = nullptr;
    check_cuda(cudaMalloc(&freed, 128 * sizeof(int)));
    check_cuda(cudaMemset(freed, 0, 128 * sizeof(int)));
    cudaFree(freed);
    return fault_of([&] {
      launch(buggy<kBug>, 2, 64, 64 * sizeof(int), nullptr, Arguments{out, freed, host.data(), counter, 1});
    });
  }
  return fault_of([&] { launch(buggy<kBug>, 2, 64, 64 * sizeof(int), nullptr, Arguments{out, in, host.data(), counter, 1}); });
}

std::string at(const std::string& mark) { return line_of("checker_test.cu", mark); }

// A report of a race names both accesses, each with its block and thread.
void is_race(const std::string& report, const std::string& memory, const std::string& one, const std::string& other) {
  CAPTURE(report, at(one), at(other));
  for (const std::string& part : std::vector<std::string>{"kernel buggy<", "race: byte ", memory, at(one), at(other)})
    CHECK_THAT(report, Contains(part));
  CHECK_THAT(report.substr(report.find("thread (") + 1), Contains(" by block (") && Contains("thread ("));
}

}  // namespace

TEST_CASE("a kernel without a fault gives no report, in any order") {
  in_every_order([] { CHECK(report<Bug::kNone>() == ""); });
}

TEST_CASE("races of threads of a block are found whatever the order, with both accesses") {
  in_every_order([] {
    is_race(report<Bug::kNoBarrierBeforeRead>(), "of the 256 bytes of shared `part`", "written", "read");
    is_race(report<Bug::kNoBarrierBeforeReuse>(), "shared `part`", "first use", "second use");
    is_race(report<Bug::kNoSyncwarp>(), "shared `part`", "lane writes", "lane reads");
    is_race(report<Bug::kShuffleInsteadOfSyncwarp>(), "shared `part`", "before the shuffle", "after the shuffle");
    is_race(report<Bug::kSyncwarpOfHalf>(), "shared `part`", "by both halves", "of the other half");
    is_race(report<Bug::kSharedCounter>(), "byte 0 of the 256 bytes of shared `part`", "counted", "counted");
    is_race(report<Bug::kManyReadOneWrites>(), "byte 20 of 512 bytes of global memory", "all read", "one writes");
    is_race(report<Bug::kAtomicAndPlain>(), "byte 12 of 512 bytes of global memory", "atomic", "plain");
  });
}

TEST_CASE("a writer races with a reader of another warp, whoever else has read") {
  for (uint64_t seed = 1; seed <= 16; ++seed) {
    simt::set_order(ThreadOrder::kRandom, seed);
    is_race(report<Bug::kReaderOfOtherWarp>(), "bytes of global memory", "two warps read", "after its own");
  }
  simt::set_order(ThreadOrder::kForward, 1);
}

TEST_CASE("races of blocks of a launch are found whatever the order") {
  in_every_order([] {
    is_race(report<Bug::kTwoBlocksWrite>(), "global memory", "by each block", "by each block");
    CHECK_THAT(report<Bug::kTwoBlocksWrite>(), Contains("write by block (0,0,0)") && Contains("write by block (1,0,0)"));
    is_race(report<Bug::kReadsOtherBlock>(), "global memory", "own", "foreign");
  });
}

TEST_CASE("what was never written is found when it is read, also where another block has written") {
  in_every_order([] {
    CHECK_THAT(report<Bug::kStaticNeverWritten>(),
               Contains("read before anything was written: byte 252 of the 256 bytes of shared `part`") &&
                   Contains(at("the last one")) && Contains("thread (0,0,0)"));
    CHECK_THAT(report<Bug::kDynamicNeverWritten>(),
               Contains("read before anything was written: byte 0 of 256 bytes of dynamic shared memory") &&
                   Contains(at("the first one")));
    CHECK_THAT(report<Bug::kOfLastBlock>(), Contains("block (1,0,0)") && Contains(at("of the block before")));
    CHECK_THAT(report<Bug::kGlobalNeverWritten>(), Contains("bytes of global memory") && Contains(at("never written")));
  });
}

TEST_CASE("accesses outside of memory are found, and end the launch before they happen") {
  in_every_order([] {
    CHECK_THAT(report<Bug::kStaticTooShort>(),
               Contains("index 64 is outside of 'int [64]'") && Contains(at("one too far")) && Contains("thread (63,0,0)"));
    CHECK_THAT(
        report<Bug::kPointerBehindStatic>(),
        Contains("write outside of memory: byte 256 of the 256 bytes of shared `part`") && Contains(at("through a pointer")));
    CHECK_THAT(
        report<Bug::kDynamicTooShort>(),
        Contains("write outside of memory: byte 256 of 256 bytes of dynamic shared memory") && Contains(at("dynamic too short")));
    CHECK_THAT(report<Bug::kGlobalTooShort>(), Contains("read outside of memory: byte 512 of 512 bytes of global memory") &&
                                                   Contains(at("global too short")) &&
                                                   Contains("block (1,0,0), thread (63,0,0)"));
    CHECK_THAT(report<Bug::kGlobalBefore>(),
               Contains("read outside of memory: byte -4 of 512 bytes of global memory") && Contains(at("before it")));
    CHECK_THAT(report<Bug::kFreed>(), Contains("read outside of memory: byte ") && Contains(at("freed")));
    CHECK_THAT(report<Bug::kMisaligned>(),
               Contains("misaligned access: 'struct int4'") && Contains("not divisible by 16") && Contains(at("four at once")));
  });
}

TEST_CASE("memory of the host is not a kernel's") {
  CHECK_THAT(report<Bug::kHostPointer>(), Contains("read of memory of the host") && Contains(at("of the hosts")));
  CHECK_THAT(report<Bug::kHostVariable>(), Contains("write of a variable of the host") && Contains(at("variable")));
  CHECK(host_variable == 7);
}
