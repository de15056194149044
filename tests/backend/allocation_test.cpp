#include "support/allocation_count.h"

#include "backend/cpu_backend.h"
#include "support/tensors.h"

using namespace vitrine;

TEST_CASE("primitives allocate nothing") {
  CpuBackend ops;
  const Packing packing = packing_of({20, 44});
  const Guarded x = Guarded(64, 96).random(1), W = Guarded(130, 96).random(2), y(64, 130), row(1, 130), s(1, 3 * packing.pairs());
  const Guarded column(64, 1), gradient = Guarded(1, 130).fill(0), dy(64, 130);
  const std::vector<int32_t> host(64, 3);
  ops.upload(host);
  const Tiles X{x, &packing, 3, false}, S{s, &packing, 3, true};
  const auto products = [&] {
    ops.matmul(*y, *x, (*W).T(), 1, Write::kSet);
    ops.matmul(*W, (*y).T(), *x, 1, Write::kAdd);
    ops.matmul(S, X, X.T(), Real(0.1), Write::kSet);
    ops.linear(y, x, W, row);
  };
  products();  // where it is used, oneDNN writes its code for a shape when it first meets it
  const int64_t before = allocation_count();
  ops.begin_step();
  const Indices index = ops.upload(host);
  products();
  ops.softmax_forward(S, S, {.causal = true});
  ops.softmax_backward(S, S, S, {.causal = true});
  ops.dropout(S, S, Real(0.1), RngKey{}, 0);
  ops.fill(row, 1);
  ops.bias_backward(gradient, y);
  ops.layer_norm_forward(dy, column, column, y, row, row, Real(1e-5));
  ops.layer_norm_backward(y, gradient, gradient, dy, dy, column, column, row);
  ops.activation_forward(dy, y, y, Activation::kGelu);
  ops.gather(y, dy, index, Write::kAdd);
  ops.cross_entropy_forward(column, column, y, index, {}, Real(0.1));
  ops.cross_entropy_backward(y, y, column, index, {}, Real(0.1), 1);
  ops.binary_cross_entropy_forward(column, y, dy, index);
  ops.binary_cross_entropy_backward(y, y, dy, index, 1);
  ops.squared_error_forward(column, y, dy, index);
  ops.squared_error_backward(y, y, dy, index, 1);
  ops.sum_squares(y);
  CHECK(allocation_count() == before);
}
