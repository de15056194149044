// The losses of heads that say something of a sequence other than its class.
#include "support/gradient_check.h"
#include "support/tensors.h"

using namespace vitrine;

namespace {

// 0 and 1.
Guarded zeros_and_ones(int64_t rows, int64_t cols) {
  Guarded y(rows, cols);
  for (int64_t m = 0; m < rows; ++m)
    for (int64_t c = 0; c < cols; ++c) y(m, c) = (m * 5 + c * 3) % 4 < 2 ? 1 : 0;
  return y;
}

std::vector<int32_t> some_unknown(int64_t rows) {
  std::vector<int32_t> targets(static_cast<size_t>(rows), 0);
  for (int64_t m = 3; m < rows; m += 4) targets[static_cast<size_t>(m)] = static_cast<int32_t>(-1 - m % 3);
  return targets;
}

}  // namespace

TEST_CASE("binary cross-entropy against its definition, with targets that do not count") {
  Backend& ops = backend_under_test();
  for_shapes([&](int64_t rows, int64_t C, int64_t gap) {
    const std::vector<int32_t> host = some_unknown(rows);
    const Indices targets = ops.upload(host);
    const Guarded z = Guarded(rows, C, gap).random(1, 2), y = zeros_and_ones(rows, C);
    const Guarded losses = Guarded(rows, 1).garbage(), dz = Guarded(rows, C, gap).garbage();
    const auto forward = [&] {
      ops.binary_cross_entropy_forward(losses, z, y, targets);
      double sum = 0;
      for (double loss : Dense(losses).values) sum += 0.25 * loss;
      return sum;
    };
    forward();
    ops.binary_cross_entropy_backward(dz, z, y, targets, Real(0.25));
    Dense want(rows, 1), want_dz(rows, C);
    for (int64_t m = 0; m < rows; ++m)
      for (int64_t c = 0; host[static_cast<size_t>(m)] >= 0 && c < C; ++c) {
        const double p = 1 / (1 + std::exp(-double(z(m, c)))), truth = double(y(m, c)), n = static_cast<double>(C);
        want(m, 0) -= (truth * std::log(p) + (1 - truth) * std::log(1 - p)) / n;
        want_dz(m, c) = 0.25 / n * (p - truth);
      }
    check_close("losses", losses, want);
    check_close("dz", dz, want_dz);
    check_gradient("z", forward, z, dz, 0, 100);
    for (int64_t m = 3; m < rows; m += 4) CHECK((losses(m, 0) == 0 && dz(m, 0) == 0));
    CHECK((losses.intact() && dz.intact()));
    ops.binary_cross_entropy_backward(z, z, y, targets, Real(0.25));
    check_close("dz in place", z, Dense(dz), 0);
  });
}

TEST_CASE("binary cross-entropy of logits of ±10,000 is finite, and of small ones exact") {
  Backend& ops = backend_under_test();
  const std::vector<int32_t> host{0, 0, 0, 0, 0};
  const Indices targets = ops.upload(host);
  const Guarded z(5, 1), y(5, 1), losses(5, 1), dz(5, 1);
  z(0, 0) = 10000, y(0, 0) = 0;
  z(1, 0) = 10000, y(1, 0) = 1;
  z(2, 0) = -10000, y(2, 0) = 0;
  z(3, 0) = -10000, y(3, 0) = 1;
  z(4, 0) = 30, y(4, 0) = 1;  // log(1 + e^−30), which 1 + e^−30 would lose
  ops.binary_cross_entropy_forward(losses, z, y, targets);
  ops.binary_cross_entropy_backward(dz, z, y, targets, 1);
  CHECK(losses(0, 0) == 10000);
  CHECK(losses(1, 0) == 0);
  CHECK(losses(2, 0) == 0);
  CHECK(losses(3, 0) == 10000);
  CHECK(losses(4, 0) == Approx(9.3576229688e-14));
  CHECK(dz(0, 0) == 1);
  CHECK(dz(1, 0) == 0);
  CHECK(dz(2, 0) == 0);
  CHECK(dz(3, 0) == -1);
}

TEST_CASE("squared error against its definition, with targets that do not count") {
  Backend& ops = backend_under_test();
  for_shapes([&](int64_t rows, int64_t C, int64_t gap) {
    const std::vector<int32_t> host = some_unknown(rows);
    const Indices targets = ops.upload(host);
    const Guarded z = Guarded(rows, C, gap).random(1, 2), y = Guarded(rows, C).random(2, 3, 1);
    const Guarded losses = Guarded(rows, 1).garbage(), dz = Guarded(rows, C, gap).garbage();
    const auto forward = [&] {
      ops.squared_error_forward(losses, z, y, targets);
      double sum = 0;
      for (double loss : Dense(losses).values) sum += 0.5 * loss;
      return sum;
    };
    forward();
    ops.squared_error_backward(dz, z, y, targets, Real(0.5));
    Dense want(rows, 1), want_dz(rows, C);
    for (int64_t m = 0; m < rows; ++m)
      for (int64_t c = 0; host[static_cast<size_t>(m)] >= 0 && c < C; ++c) {
        const double d = double(z(m, c)) - double(y(m, c)), n = static_cast<double>(C);
        want(m, 0) += d * d / n;
        want_dz(m, c) = 0.5 * 2 * d / n;
      }
    check_close("losses", losses, want);
    check_close("dz", dz, want_dz);
    check_gradient("z", forward, z, dz, 0, 100);
    for (int64_t m = 3; m < rows; m += 4) CHECK((losses(m, 0) == 0 && dz(m, 0) == 0));
    CHECK((losses.intact() && dz.intact()));
    ops.squared_error_backward(z, z, y, targets, Real(0.5));
    check_close("dz in place", z, Dense(dz), 0);
  });
}
