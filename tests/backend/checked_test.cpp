#include "backend/checked_backend.h"

#include "base/error.h"
#include "support/tensors.h"

using namespace vitrine;
using Catch::Matchers::Contains;

namespace {

// A backend with a wrong kernel: every weight of softmax times `factor`, and the weight in place `bad` is NaN.
struct Wrong final : CpuBackend {
  Real factor = 1;
  int64_t bad = -1;
  void softmax_forward(Tiles p, Tiles s, const Pattern& pattern) override {
    CpuBackend::softmax_forward(p, s, pattern);
    for (int64_t k = 0; k < p.heads * p.packing->pairs(); ++k) p.base.data[k] *= factor;
    if (bad >= 0) p.base.data[bad] = std::numeric_limits<Real>::quiet_NaN();
  }
};

// What softmax under check says, in place of scores that are all 1.
std::string said_of(Real factor, int64_t bad, Dense& weights) {
  const Packing packing = packing_of({4, 2});
  auto wrong = std::make_unique<Wrong>();
  wrong->factor = factor, wrong->bad = bad;
  CheckedBackend ops(std::move(wrong));
  const auto memory = ops.allocate(packing.pairs());
  const Tensor p{memory->data, 1, packing.pairs(), packing.pairs()};
  ops.fill(p, 1);
  const Tiles tiles{p, &packing, 1, true};
  std::string said;
  try {
    ops.softmax_forward(tiles, tiles, {});
  } catch (const Error& e) {
    CHECK(e.kind() == ErrorKind::kDevice);
    said = e.what();
  }
  weights = Dense(p);
  return said;
}

}  // namespace

TEST_CASE("a kernel that parts from the CPU is named, with the place and both numbers") {
  Dense weights(0, 0);
  CHECK_THAT(said_of(1, 6, weights), Contains("run.checked: softmax_forward: P[0,6] is nan, and 0.25 on the CPU\nhelp: "));
  CHECK_THAT(said_of(Real(1.001), -1, weights), Contains("softmax_forward: P[0,0] is 0.25025, and 0.25 on the CPU"));
}

TEST_CASE("what parts by rounding is not wrong, and stays as the kernel made it") {
  const Real nearly = 1 + 4 * std::numeric_limits<Real>::epsilon();
  Dense weights(0, 0);
  CHECK(said_of(nearly, -1, weights).empty());
  CHECK(weights(0, 0) == double(Real(0.25) * nearly));
  CHECK(weights(0, 19) == double(Real(0.5) * nearly));
}

TEST_CASE("what a primitive reads and writes is as it was for both, and uploads reach both") {
  CheckedBackend ops(make_cpu_backend());
  const auto memory = ops.allocate(12);
  const Tensor y{memory->data, 3, 2, 2}, x{memory->data + 6, 3, 2, 2};
  ops.fill(y, 1), ops.fill(x, 2);
  ops.add(y, y, x);
  CHECK(y.row(2)[1] == 3);
  for (int step = 0; step < 2; ++step) {
    ops.begin_step();
    const std::vector<int32_t> rows{2, 0, 2};
    ops.scatter_add(y, x, ops.upload(rows));
  }
  CHECK(y.row(0)[0] == 7);
  CHECK(y.row(1)[0] == 3);
  CHECK(y.row(2)[0] == 11);
  CHECK(ops.sum_squares(x) == 24);
}
