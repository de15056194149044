#include "support/tensors.h"
#include "tensor/arena.h"

using namespace vitrine;

TEST_CASE("views of a matrix share its rows and stride") {
  const Guarded x = Guarded(6, 10, 3).random(1);
  const Tensor X = x, view = X.slice(2, 3).columns(4, 5);
  CHECK((view.rows == 3 && view.cols == 5 && view.stride == 13 && view.size() == 15));
  for (int64_t i = 0; i < 3; ++i) {
    for (int64_t j = 0; j < 5; ++j) CHECK(view.row(i)[j] == x(2 + i, 4 + j));
  }
  CHECK((X.top(2).rows == 2 && X.top(2).cols == 10 && X.top(2).data == X.data));
  CHECK(X.T().transposed);
  CHECK(Tensor{}.empty());
}

TEST_CASE("an arena hands out the same places when it counts and when it is bound") {
  const auto plan = [](Arena& a) {
    std::vector<Tensor> taken{a.take(3, 5), a.take(1, 1)};
    const int64_t mark = a.mark();
    taken.push_back(a.take(10, 10));
    a.rewind(mark);
    taken.push_back(a.take(2, 8));
    return taken;
  };
  Arena arena;
  plan(arena);
  CHECK(arena.peak() == 16 + 16 + 112);
  std::vector<Real> memory(static_cast<size_t>(arena.peak()));
  arena.bind(memory.data());
  const auto taken = plan(arena);
  CHECK(taken[0].data == memory.data());
  CHECK(taken[1].data == memory.data() + 16);
  CHECK(taken[2].data == memory.data() + 32);
  CHECK(taken[3].data == memory.data() + 32);  // after rewind, the same place
  CHECK((taken[3].rows == 2 && taken[3].cols == 8 && taken[3].stride == 8));
}

TEST_CASE("tiles of a packed batch") {
  const Packing packing = packing_of({5, 1, 3});
  CHECK((packing.sequences() == 3 && packing.tokens() == 9 && packing.pairs() == 35 && packing.length(2) == 3));
  const Guarded x = Guarded(9, 8).random(1), p = Guarded(1, 2 * 35).random(2);
  const Tiles X{x, &packing, 2, false}, P{p, &packing, 2, true};
  CHECK((X(2, 1).data == &x(6, 4) && X(2, 1).rows == 3 && X(2, 1).cols == 4 && X(2, 1).stride == 8));
  CHECK((P(0, 1).data == &p(0, 25) && P(0, 1).rows == 5 && P(0, 1).cols == 5));
  CHECK((P(1, 0).data == &p(0, 50) && P(1, 1).data == &p(0, 51) && P(2, 0).data == &p(0, 52) && P(2, 1).data == &p(0, 61)));
  int64_t count = 0;
  each_tile(P, [&](int64_t b, int64_t h) { count += 100 * b + h; });
  CHECK(count == 603);
}
