#include "support/gradient_check.h"
#include "support/tensors.h"

using namespace vitrine;

TEST_CASE("gather and scatter, rows repeated and left out") {
  Backend& ops = backend_under_test();
  for_shapes([&](int64_t rows, int64_t cols, int64_t gap) {
    const int64_t M = rows + 2;
    std::vector<int32_t> rows_of(static_cast<size_t>(M));
    for (int64_t m = 0; m < M; ++m) rows_of[static_cast<size_t>(m)] = static_cast<int32_t>(m * m % ((rows + 1) / 2));
    const Indices index = ops.upload(rows_of);
    const Guarded x = Guarded(rows, cols, gap).random(1), y = Guarded(M, cols, gap).garbage(),
                  added = Guarded(M, cols, gap).random(2);
    const Guarded dy = Guarded(M, cols, gap).random(3), dx = Guarded(rows, cols, gap).random(4);
    Dense want(M, cols), want_added(added), want_dx(dx);
    for (int64_t m = 0; m < M; ++m) {
      for (int64_t j = 0; j < cols; ++j) {
        want(m, j) = static_cast<double>(x(rows_of[static_cast<size_t>(m)], j));
        want_added(m, j) += want(m, j);
        want_dx(rows_of[static_cast<size_t>(m)], j) += 2 * static_cast<double>(dy(m, j));
      }
    }
    ops.gather(y, x, index, Write::kSet);
    ops.gather(added, x, index, Write::kAdd);
    ops.scatter_add(dx, dy, index);
    ops.scatter_add(dx, dy, index);
    check_close("y =", y, want, 0);
    check_close("y +=", added, want_added);
    check_close("dx", dx, want_dx);
    CHECK((y.intact() && added.intact() && dx.intact()));

    ops.fill(dx, 0);
    ops.scatter_add(dx, dy, index);
    check_gradient(
        "x", [&] { return ops.gather(y, x, index, Write::kSet), dot(y, dy); }, x, dx);
  });
}

TEST_CASE("mean of each sequence") {
  Backend& ops = backend_under_test();
  for_packings([&](const Packing& packing, int64_t, int64_t width, int64_t gap) {
    const int64_t N = packing.tokens(), B = packing.sequences();
    const Guarded x = Guarded(N, width, gap).random(1), dy = Guarded(B, width, gap).random(2);
    const Guarded y = Guarded(B, width, gap).garbage(), dx = Guarded(N, width, gap).garbage();
    const auto forward = [&] {
      ops.mean_pool_forward(y, x, packing);
      return dot(y, dy);
    };
    forward();
    ops.mean_pool_backward(dx, dy, packing);
    Dense want(B, width), want_dx(N, width);
    for (int64_t b = 0; b < B; ++b) {
      for (int64_t i = packing.offset[b]; i < packing.offset[b + 1]; ++i) {
        for (int64_t j = 0; j < width; ++j) {
          want(b, j) += static_cast<double>(x(i, j)) / static_cast<double>(packing.length(b));
          want_dx(i, j) = static_cast<double>(dy(b, j)) / static_cast<double>(packing.length(b));
        }
      }
    }
    check_close("y", y, want);
    check_close("dx", dx, want_dx);
    CHECK((y.intact() && dx.intact()));
    check_gradient("x", forward, x, dx, 0, 100);
  });
}
