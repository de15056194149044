#include <algorithm>
#include <chrono>
#include <memory>
#include <vector>

#include "backend/cpu_backend.h"
#include "base/workers.h"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

constexpr int kRepeats = 4;  // products between two looks at the clock

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
  void run() {
    for (int i = 0; i < kRepeats; ++i) ops->matmul(c, a, b.T());
  }
};

}  // namespace

double measure_gemm(int64_t m, int64_t n, int64_t k, int threads, double seconds) {
  using Clock = std::chrono::steady_clock;
  std::vector<std::unique_ptr<Product>> products;
  for (int t = 0; t < threads; ++t) products.push_back(std::make_unique<Product>(m, n, k));
  Workers workers(threads);
  const auto since = [](Clock::time_point t) { return std::chrono::duration<double>(Clock::now() - t).count(); };
  double best = 0;
  for (const auto start = Clock::now(); since(start) < seconds || best == 0;) {
    const auto begin = Clock::now();
    workers.run(threads, [&](int64_t t) { products[size_t(t)]->run(); });
    best = std::max(best, 2.0 * double(m) * double(n) * double(k) * kRepeats * threads / since(begin));
  }
  return best;
}

}  // namespace vitrine::inline VITRINE_PRECISION
