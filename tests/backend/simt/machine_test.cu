#include <numeric>

#include "backend/simt/support.h"

using namespace vitrine;

namespace {

std::vector<int> count_from(int first, size_t n) {
  std::vector<int> v(n);
  std::iota(v.begin(), v.end(), first);
  return v;
}

__global__ void where_am_i(int* out) {
  const int block = int(blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z));
  const int thread = int(threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z));
  const int threads = int(blockDim.x * blockDim.y * blockDim.z);
  out[block * threads + thread] = block * 1000 + thread;
}

// The sum of each block, by a tree in shared memory; then each thread adds the sum of the threads below it, by shuffles.
template <int kThreads>
__global__ void sum_blocks(int* sums, int* prefix, const int* in) {
  __shared__ int part[kThreads];
  const int t = int(threadIdx.x);
  const int mine = in[blockIdx.x * kThreads + t];
  part[t] = mine;
  __syncthreads();
  for (int n = kThreads / 2; n > 0; n /= 2) {
    if (t < n) part[t] += part[t + n];
    __syncthreads();
  }
  if (t == 0) sums[blockIdx.x] = part[0];
  int sum = mine;
  for (int by = 1; by < warpSize; by *= 2) {
    const int below = __shfl_up_sync(~0u, sum, unsigned(by));
    if (t % warpSize >= by) sum += below;
  }
  prefix[blockIdx.x * kThreads + t] = sum;
}

__global__ void shuffles(double* out) {
  const int t = int(threadIdx.x);
  const double mine = t + 0.5;
  out[t] = __shfl_sync(~0u, mine, 35);         // counts round: lane 3
  out[32 + t] = __shfl_sync(~0u, mine, 1, 8);  // lane 1 of each segment of 8
  out[64 + t] = __shfl_xor_sync(~0u, mine, 4, 8);
  out[96 + t] = __shfl_down_sync(~0u, mine, 3, 8);  // the last three of a segment keep their own
  out[128 + t] = __shfl_up_sync(~0u, mine, 3, 8);
}

__global__ void votes(unsigned* out) {
  const int t = int(threadIdx.x);
  const unsigned odd = __ballot_sync(~0u, t % 2);
  if (t >= 20) return;  // who has returned may be named
  const unsigned mask = t < 8 ? 0xffu : 0xffffff00u;
  out[t] = t < 8 ? __ballot_sync(mask, t < 3) : __ballot_sync(mask, t == 9);
  out[20 + t] = odd;
  out[40 + t] = unsigned(__any_sync(~0u, t == 19) * 2 + __all_sync(~0u, t < 19));
}

__global__ void count_by_atomics(int* counts, int* most) {
  atomicAdd(&counts[threadIdx.x % 3], 1);
  atomicMax(most, int(threadIdx.x + blockIdx.x));
}

__global__ void use_dynamic(float* out) {
  float* const row = dynamic_smem<float>();
  row[threadIdx.x] = float(threadIdx.x);
  __syncthreads();
  out[threadIdx.x] = row[blockDim.x - 1 - threadIdx.x];
}

}  // namespace

TEST_CASE("every thread of every block runs once and knows its place, in any order") {
  in_every_order([] {
    OnDevice<int> out(2 * 3 * 2 * 5 * 7 * 2);
    launch(where_am_i, dim3(2, 3, 2), dim3(5, 7, 2), 0, nullptr, out);
    const std::vector<int> places = out.read();
    for (int i = 0; i < int(places.size()); ++i) REQUIRE(places[size_t(i)] == i / 70 * 1000 + i % 70);
  });
}

TEST_CASE("barriers and shuffles make a sum and prefix sums, in any order") {
  const std::vector<int> numbers = count_from(-100, 3 * 128);
  in_every_order([&] {
    OnDevice<int> in(numbers), sums(3), prefix(numbers.size());
    launch(sum_blocks<128>, 3, 128, 0, nullptr, sums, prefix, in);
    const std::vector<int> block_sums = sums.read(), warp_sums = prefix.read();
    for (int b = 0; b < 3; ++b)
      CHECK(block_sums[size_t(b)] == std::accumulate(&numbers[size_t(b) * 128], &numbers[size_t(b) * 128] + 128, 0));
    for (size_t i = 0; i < numbers.size(); ++i)
      REQUIRE(warp_sums[i] == std::accumulate(&numbers[i / 32 * 32], &numbers[i] + 1, 0));
  });
}

TEST_CASE("shuffles read the lane that CUDA's guide says, in segments too") {
  OnDevice<double> out(5 * 32);
  launch(shuffles, 1, 32, 0, nullptr, out);
  const std::vector<double> got = out.read();
  for (int t = 0; t < 32; ++t) {
    const auto lane = [&](int block) { return int(got[size_t(32 * block + t)]); };
    const int first = t / 8 * 8, place = t % 8;
    CHECK(lane(0) == 3);
    CHECK(lane(1) == first + 1);
    CHECK(lane(2) == first + (place ^ 4));
    CHECK(lane(3) == first + (place + 3 < 8 ? place + 3 : place));
    CHECK(lane(4) == first + (place >= 3 ? place - 3 : place));
  }
}

TEST_CASE("votes of parts of a warp, and of a warp some of whose lanes have returned") {
  in_every_order([] {
    OnDevice<unsigned> out(60);
    launch(votes, 1, 32, 0, nullptr, out);
    const std::vector<unsigned> got = out.read();
    for (size_t t = 0; t < 20; ++t) {
      CHECK(got[t] == (t < 8 ? 7u : 1u << 9));
      CHECK(got[20 + t] == 0xaaaaaaaa);
      CHECK(got[40 + t] == 2);
    }
  });
}

TEST_CASE("integer atomics count what all threads add") {
  OnDevice<int> counts(std::vector<int>(3)), most(std::vector<int>{-1});
  launch(count_by_atomics, 10, 64, 0, nullptr, counts, most);
  CHECK(counts.read() == std::vector<int>{220, 210, 210});
  CHECK(most.read()[0] == 63 + 9);
}

TEST_CASE("dynamic shared memory has the size that the launch asks for, above 48 KB too") {
  OnDevice<float> out(1024);
  launch(use_dynamic, 1, 1024, 4096, nullptr, out);
  CHECK(out.read()[3] == 1020);
  CHECK(fault_of([&] { launch(use_dynamic, 1, 64, 200 << 10, nullptr, out); }).empty());
}

TEST_CASE("launches that no GPU accepts fail, name their line, and do no harm to the next") {
  OnDevice<float> out(64);
  const std::string place = "machine_test.cu:" + std::to_string(__LINE__ + 1);
  const std::string fault = fault_of([&] { launch(use_dynamic, 1, 1025, 256, nullptr, out); });
  CHECK_THAT(fault, Contains(place) && Contains("cudaErrorInvalidConfiguration"));
  CHECK_THAT(fault_of([&] { launch(use_dynamic, dim3(1, 70000), 32, 256, nullptr, out); }),
             Contains("cudaErrorInvalidConfiguration"));
  CHECK_THAT(fault_of([&] { launch(use_dynamic, 1, dim3(1, 1, 65), 256, nullptr, out); }),
             Contains("cudaErrorInvalidConfiguration"));
  CHECK_THAT(fault_of([&] { launch(use_dynamic, 1, 32, 228 << 10, nullptr, out); }), Contains("cudaErrorInvalidValue"));
  launch(use_dynamic, dim3(1, 0), 32, 256, nullptr, out);  // nothing to do
  launch(use_dynamic, 1, 64, 256, nullptr, out);
  CHECK(out.read()[0] == 63);
}

TEST_CASE("copies keep to their direction and to what was allocated") {
  std::vector<float> host(8);
  OnDevice<float> a(host), b(8);
  CHECK(cudaMemcpy(b, a, 32, cudaMemcpyDeviceToDevice) == cudaSuccess);
  CHECK(cudaMemcpy(b, a, 36, cudaMemcpyDeviceToDevice) == cudaErrorInvalidValue);
  CHECK(cudaMemcpy(b, host.data(), 32, cudaMemcpyDeviceToDevice) == cudaErrorInvalidValue);
  CHECK(cudaMemcpy(host.data(), host.data(), 32, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
  CHECK(cudaMemset(host.data(), 0, 32) == cudaErrorInvalidValue);
  CHECK(cudaFree(host.data()) == cudaErrorInvalidValue);
  CHECK(cudaGetLastError() == cudaErrorInvalidValue);
  CHECK(cudaGetLastError() == cudaSuccess);
}
