#include "support/tensors.h"

using namespace vitrine;

TEST_CASE("memory is zeroed, aligned and as large as asked for") {
  Backend& ops = backend_under_test();
  const auto memory = ops.allocate(1000);
  REQUIRE(memory->size == 1000);
  REQUIRE(reinterpret_cast<uintptr_t>(memory->data) % 64 == 0);
  for (int64_t i = 0; i < 1000; ++i) REQUIRE(memory->data[i] == 0);
}

TEST_CASE("read and write cross rows in order") {
  Backend& ops = backend_under_test();
  const Guarded x = Guarded(5, 3, 7).random(1), y(5, 3, 2);
  std::vector<Real> numbers(15);
  ops.read(numbers, x);
  ops.write(y, numbers);
  REQUIRE(numbers[4] == x(1, 1));
  check_close("y", y, Dense(x), 0);
  REQUIRE(y.intact());
}

TEST_CASE("uploads stay until the next step") {
  Backend& ops = backend_under_test();
  for (int step = 0; step < 3; ++step) {
    ops.begin_step();
    std::vector<Indices> uploads;
    for (int32_t k = 0; k < 40; ++k) {
      const std::vector<int32_t> host(static_cast<size_t>(k == 20 ? 100000 : 1000), k + step);
      uploads.push_back(ops.upload(host));
    }
    for (int32_t k = 0; k < 40; ++k) {
      const Indices u = uploads[static_cast<size_t>(k)];
      REQUIRE(u.size == (k == 20 ? 100000 : 1000));
      REQUIRE(u.data[0] == k + step);
      REQUIRE(u.data[u.size - 1] == k + step);
    }
  }
}

TEST_CASE("fill, copy, add") {
  Backend& ops = backend_under_test();
  for_shapes([&](int64_t rows, int64_t cols, int64_t gap) {
    const Guarded a = Guarded(rows, cols, gap).random(1), b = Guarded(rows, cols).random(2),
                  y = Guarded(rows, cols, gap).garbage();
    ops.fill(y, Real(1.5));
    check_close("fill", y, Dense(rows, cols, 1.5), 0);
    ops.copy(y, a);
    check_close("copy", y, Dense(a), 0);

    Dense sum(a);
    for (size_t k = 0; k < sum.values.size(); ++k) sum.values[k] += Dense(b).values[k];
    ops.add(y, a, b);
    check_close("a + b", y, sum);
    ops.add(y, a, a);  // both operands are one tensor
    ops.copy(y, b);
    ops.add(y, a, y);  // in place of either
    check_close("a + y", y, sum);
    ops.copy(y, a);
    ops.add(y, y, b);
    check_close("y + b", y, sum);
    CHECK(y.intact());
  });
}

TEST_CASE("sum of squares") {
  Backend& ops = backend_under_test();
  for (int64_t cols : {1, 7, 8, 4095, 4096, 4097, 20000}) {
    const Guarded x = Guarded(2, cols, 3).random(1);
    double want = 0;
    for (double v : Dense(x).values) want += v * v;
    CHECK(ops.sum_squares(x) == Approx(want).epsilon(1e-13));
  }
  const Guarded zero = Guarded(1, 5).fill(0);
  CHECK(ops.sum_squares(zero) == 0);
  zero(0, 3) = std::numeric_limits<Real>::infinity();
  CHECK(std::isinf(ops.sum_squares(zero)));
  zero(0, 3) = std::numeric_limits<Real>::quiet_NaN();
  CHECK(std::isnan(ops.sum_squares(zero)));
}
