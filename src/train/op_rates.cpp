#include <chrono>
#include <functional>

#include "backend/cpu_backend.h"
#include "backend/profiling_backend.h"
#include "train/op_shapes.h"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

// Tensors of random numbers, and the clock.
class Bench {
 public:
  explicit Bench(double seconds) : seconds_(seconds) {}

  Tensor tensor(int64_t rows, int64_t cols, double scale = 1) {
    memory_.push_back(ops.allocate(rows * cols));
    const Tensor x{memory_.back()->data, rows, cols, cols};
    const RngKey key{1, uint32_t(memory_.size()), 0};
    std::vector<Real> row(size_t(cols), 0);
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < cols; ++j) row[size_t(j)] = Real(scale * (2 * key.uniform(uint32_t(i), uint32_t(j)) - 1));
      ops.write(x.slice(i, 1), row);
    }
    return x;
  }

  void repeat(const std::function<void()>& call) const {
    using Clock = std::chrono::steady_clock;
    const auto end = Clock::now() + std::chrono::duration<double>(seconds_);
    do call();
    while (Clock::now() < end);
  }

  ProfilingBackend ops{make_cpu_backend()};

 private:
  double seconds_;
  std::vector<std::unique_ptr<Memory>> memory_;
};

}  // namespace

std::vector<OpProfile> measure_ops(const OpShapes& shapes, double seconds_each) {
  const auto [N, T, D, H, F, V] = shapes;
  Bench bench(seconds_each);
  ProfilingBackend& ops = bench.ops;
  Packing packing;
  for (int64_t b = 0; b < N / T; ++b) packing.add(T);
  std::vector<int32_t> host(size_t(packing.tokens()));
  for (size_t i = 0; i < host.size(); ++i) host[i] = int32_t(RngKey{}.below(uint32_t(V), uint32_t(i), 0));
  const Indices index = ops.upload(host);
  const int64_t n = packing.tokens();

  const Tensor x = bench.tensor(n, D), y = bench.tensor(n, D), z = bench.tensor(n, D), row = bench.tensor(1, D),
               sums = bench.tensor(1, D);
  const Tensor mean = bench.tensor(n, 1), rstd = bench.tensor(n, 1), lse = bench.tensor(n, H), losses = bench.tensor(n, 1);
  const Tensor u = bench.tensor(n, F, 3), a = bench.tensor(n, F), du = bench.tensor(n, F), v = bench.tensor(n, F),
               up = bench.tensor(F, D, 0.1), up_bias = bench.tensor(1, F);
  const Tensor table = bench.tensor(V, D), logits = bench.tensor(n, V, 3);
  const Tensor s = bench.tensor(1, H * packing.pairs(), 3), p = bench.tensor(1, H * packing.pairs());
  const Tiles S{s, &packing, H, true}, P{p, &packing, H, true};
  const Tiles Q{x, &packing, H, false}, K{y, &packing, H, false}, O{z, &packing, H, false};
  const Tensor dq = bench.tensor(n, D), dk = bench.tensor(n, D), dv = bench.tensor(n, D);
  const AttentionWeights how{Pattern{}, Real(0.2), 0, {}, 0};
  const RngKey key{1, 2, 3};
  const Real epsilon = Real(1e-5);

  bench.repeat([&] { ops.linear(a, x, up, up_bias); });
  bench.repeat([&] { ops.matmul(up, du.T(), x, 1, Write::kAdd), ops.fill(up, 0); });
  bench.repeat([&] { ops.bias_backward(up_bias, du); });
  bench.repeat([&] { ops.matmul(S, Q, K.T(), Real(0.1), Write::kSet); });
  bench.repeat([&] { ops.softmax_forward(P, S, {}); });
  bench.repeat([&] { ops.softmax_backward(S, S, P, {}); });
  bench.repeat([&] { ops.dropout(P, P, Real(0.1), key, 0); });
  bench.repeat([&] { ops.fused_attention_forward(O, lse, Q, K, K, how); });
  bench.repeat([&] {
    ops.fused_attention_backward({dq, &packing, H, false}, {dk, &packing, H, false}, {dv, &packing, H, false}, {}, K, O, lse, Q,
                                 K, K, how);
  });
  bench.repeat([&] { ops.layer_norm_forward(z, mean, rstd, x, row, row, epsilon); });
  bench.repeat([&] { ops.layer_norm_backward(z, sums, sums, y, x, mean, rstd, row); });
  bench.repeat([&] { ops.rms_norm_forward(z, rstd, x, row, epsilon); });
  bench.repeat([&] { ops.rms_norm_backward(z, sums, y, x, rstd, row); });
  bench.repeat([&] { ops.activation_forward(a, du, u, Activation::kGelu); });
  bench.repeat([&] { ops.activation_backward(du, a, u); });
  bench.repeat([&] { ops.gated_forward(a, u, du, Activation::kSilu); });
  bench.repeat([&] { ops.gated_backward(a, v, a, u, du, Activation::kSilu); });
  bench.repeat([&] { ops.dropout(a, u, Real(0.1), key, 0); });
  bench.repeat([&] { ops.gather(z, table, index, Write::kSet); });
  bench.repeat([&] { ops.scatter_add(table, x, index); });
  bench.repeat([&] { ops.add(z, x, y); });
  bench.repeat([&] { ops.copy(z, x); });
  bench.repeat([&] { ops.cross_entropy_forward(losses, rstd, logits, index, {}, 0); });
  bench.repeat([&] { ops.cross_entropy_backward(logits, logits, rstd, index, {}, 0, 0); });
  bench.repeat([&] { ops.sum_squares(u); });
  ops.fill(du, 1);
  const AdamStep step{Real(1e-3), Real(0.9), Real(0.999), Real(1e-8), 1, 1, 0, true, 1};
  bench.repeat([&] { ops.adam(a, u, du, u, step); });
  return ops.profile();
}

}  // namespace vitrine::inline VITRINE_PRECISION
