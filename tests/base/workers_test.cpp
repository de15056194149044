#include "base/workers.h"

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <vector>

#include "support/catch.h"

using namespace vitrine;

TEST_CASE("workers call each index once, whatever the numbers of threads and calls") {
  for (int threads : {1, 2, 3, 4, 9}) {
    Workers workers(threads);
    CHECK(workers.threads() == threads);
    for (int64_t n : {0, 1, 2, 3, 7, 100, 1000}) {
      std::vector<std::atomic<int>> calls(static_cast<size_t>(n) + 1);
      workers.run(n, [&](int64_t i) { ++calls[static_cast<size_t>(i)]; });
      for (int64_t i = 0; i < n; ++i) REQUIRE(calls[static_cast<size_t>(i)] == 1);
      REQUIRE(calls.back() == 0);
    }
  }
}

TEST_CASE("workers really run side by side") {
  Workers workers(3);
  std::atomic<int> inside = 0;
  std::atomic<bool> met = true;
  workers.run(3, [&](int64_t) {
    ++inside;
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (inside < 3)
      if (std::chrono::steady_clock::now() > limit) {
        met = false;
        return;
      } else {
        std::this_thread::yield();
      }
  });
  CHECK(met);
}

TEST_CASE("one thread means the caller's") {
  Workers workers(1);
  const auto caller = std::this_thread::get_id();
  workers.run(10, [&](int64_t) { REQUIRE(std::this_thread::get_id() == caller); });
}

TEST_CASE("an exception reaches the caller after all other calls, and the workers go on") {
  Workers workers(3);
  for (int round = 0; round < 50; ++round) {
    std::atomic<int> calls = 0;
    const auto work = [&](int64_t i) {
      ++calls;
      if (i == round || i == round + 1) throw std::runtime_error("call " + std::to_string(round));
    };
    REQUIRE_THROWS_WITH(workers.run(100, work), "call " + std::to_string(round));
    REQUIRE(calls == 100);
  }
  std::atomic<int64_t> sum = 0;
  workers.run(10, [&](int64_t i) { sum += i; });
  CHECK(sum == 45);
}

TEST_CASE("what a run wrote is seen after it, over many short runs") {
  Workers workers(4);
  std::vector<int64_t> values(5);
  for (int round = 1; round <= 20000; ++round) {
    const int64_t n = round % 5 + 1;
    workers.run(n, [&](int64_t i) { values[static_cast<size_t>(i)] += round; });
    if (round % 4999 == 0) REQUIRE(values[0] == int64_t{round} * (round + 1) / 2);
  }
}

TEST_CASE("workers inside workers, each its own") {
  Workers outer(2);
  std::atomic<int> calls = 0;
  outer.run(4, [&](int64_t) {
    Workers inner(2);
    inner.run(8, [&](int64_t) { ++calls; });
  });
  CHECK(calls == 32);
}
