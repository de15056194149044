#include <algorithm>
#include <chrono>
#include <memory>
#include <vector>

#include "backend/cpu_backend.h"
#include "base/workers.h"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

constexpr int kRepeats = 4;  // between two looks at the clock

struct Product {
  std::unique_ptr<Backend> ops = make_cpu_backend();
  std::unique_ptr<Memory> memory;
  Tensor a, b, c;

  Product(int64_t m, int64_t n, int64_t k) : memory(ops->allocate(m * k + n * k + m * n)) {
    a = {memory->data, m, k, k};
    b = {a.data + a.size(), n, k, k};
    c = {b.data + b.size(), m, n, n};
    ops->fill(a, Real(0.5));
    ops->fill(b, Real(0.25));
  }
  void run() { ops->matmul(c, a, b.T()); }
};

struct Sum {
  std::unique_ptr<Backend> ops = make_cpu_backend();
  std::unique_ptr<Memory> memory;
  int64_t size;

  explicit Sum(int64_t bytes) : memory(ops->allocate(bytes / int64_t(sizeof(Real)))), size(memory->size / 3) {
    ops->fill({memory->data, 1, memory->size, memory->size}, 1);
  }
  void run() {
    const auto part = [&](int64_t k) { return Tensor{memory->data + k * size, 1, size, size}; };
    ops->add(part(0), part(1), part(2));
  }
};

// How often a second each of the threads does its work, at best in the time given.
template <class Work>
double best_rate(std::vector<std::unique_ptr<Work>>& works, double seconds) {
  using Clock = std::chrono::steady_clock;
  const int64_t threads = std::ssize(works);
  Workers workers{int(threads)};
  const auto since = [](Clock::time_point t) { return std::chrono::duration<double>(Clock::now() - t).count(); };
  double best = 0;
  for (const auto start = Clock::now(); since(start) < seconds || best == 0;) {
    const auto begin = Clock::now();
    workers.run(threads, [&](int64_t t) {
      for (int i = 0; i < kRepeats; ++i) works[size_t(t)]->run();
    });
    best = std::max(best, kRepeats / since(begin));
  }
  return best;
}

}  // namespace

double measure_gemm(int64_t m, int64_t n, int64_t k, int threads, double seconds) {
  std::vector<std::unique_ptr<Product>> products;
  for (int t = 0; t < threads; ++t) products.push_back(std::make_unique<Product>(m, n, k));
  return 2.0 * double(m) * double(n) * double(k) * threads * best_rate(products, seconds);
}

double measure_bandwidth(int64_t bytes, int threads, double seconds) {
  std::vector<std::unique_ptr<Sum>> sums;
  for (int t = 0; t < threads; ++t) sums.push_back(std::make_unique<Sum>(bytes));
  return double(3 * sums[0]->size) * double(sizeof(Real)) * threads * best_rate(sums, seconds);
}

}  // namespace vitrine::inline VITRINE_PRECISION
