#include <algorithm>

#include "support/tensors.h"

using namespace vitrine;

namespace {

// Row and column of R for query i and key j, from the contract.
struct Place {
  int64_t row, column;
};
Place place_of(const ByOffset& which, int64_t i, int64_t j, int64_t columns) {
  const int64_t offset = which.reversed ? i - j : j - i;
  return {which.of_key ? j : i, std::min(std::max(which.centre + offset, int64_t{0}), columns - 1)};
}

// Two numbers of columns: fewer than there are offsets, so that both ends are clamped, and more; centres at an end and outside too.
template <class F>
void for_offsets(F f) {
  for (const Packing& packing : {packing_of({5, 1, 3}), packing_of({33}), packing_of({40, 2})})
    for (const int64_t columns : {1, 2, 9, 50, 99})
      for (const int64_t centre : {columns / 2, int64_t{0}, columns - 1, int64_t{-3}, columns + 4})
        for (const bool reversed : {false, true})
          for (const bool of_key : {false, true}) {
            CAPTURE(packing.offset, columns, centre, reversed, of_key);
            f(packing, columns, ByOffset{centre, reversed, of_key});
          }
}

}  // namespace

TEST_CASE("numbers by offset are added to scores, and gradients summed back") {
  constexpr int64_t H = 3;
  Backend& ops = backend_under_test();
  for_offsets([&](const Packing& packing, int64_t columns, ByOffset which) {
    const int64_t N = packing.tokens(), pairs = H * packing.pairs();
    Guarded s(1, pairs), ds(1, pairs), r(N, H * columns, 5), dr(N, H * columns, 5);
    s.random(1), ds.random(2), r.random(3), dr.random(4);
    const Tiles S{s, &packing, H, true}, dS{ds, &packing, H, true}, R{r, &packing, H, false}, dR{dr, &packing, H, false};
    Dense want_s(s), want_dr(dr);
    for (int64_t b = 0; b < packing.sequences(); ++b)
      for (int64_t h = 0; h < H; ++h)
        for (int64_t i = 0, T = packing.length(b); i < T; ++i)
          for (int64_t j = 0; j < T; ++j) {
            const auto [row, column] = place_of(which, i, j, columns);
            const int64_t at = H * packing.pair_offset[size_t(b)] + (h * T + i) * T + j, in = packing.offset[size_t(b)] + row;
            want_s(0, at) += double(r(in, h * columns + column));
            want_dr(in, h * columns + column) += double(ds(0, at));
          }
    ops.add_by_offset(S, R, which);
    ops.sum_by_offset(dR, dS, which);
    check_close("S", s, want_s);
    check_close("dR", dr, want_dr);
    CHECK(s.intact());
    CHECK(dr.intact());
  });
}

TEST_CASE("rows that are 0 apart are a bias of each head") {
  constexpr int64_t H = 2;
  Backend& ops = backend_under_test();
  for_offsets([&](const Packing& packing, int64_t columns, ByOffset which) {
    const int64_t pairs = H * packing.pairs();
    Guarded s(1, pairs), bias(H, columns), dbias(H, columns);
    s.random(1), bias.random(2), dbias.random(3);
    const auto rows = [&](Tensor x) { return Tiles{{x.data, packing.tokens(), H * columns, 0}, &packing, H, false}; };
    const Tiles S{s, &packing, H, true};
    Dense want_s(s), want_dbias(dbias);
    for (int64_t b = 0; b < packing.sequences(); ++b)
      for (int64_t h = 0; h < H; ++h)
        for (int64_t i = 0, T = packing.length(b); i < T; ++i)
          for (int64_t j = 0; j < T; ++j) {
            const int64_t column = place_of(which, i, j, columns).column,
                          at = H * packing.pair_offset[size_t(b)] + (h * T + i) * T + j;
            want_dbias(h, column) += want_s(0, at);
            want_s(0, at) += double(bias(h, column));
          }
    ops.sum_by_offset(rows(dbias), S, which);
    ops.add_by_offset(S, rows(bias), which);
    check_close("S", s, want_s);
    check_close("dbias", dbias, want_dbias);
    CHECK(dbias.intact());
  });
}

TEST_CASE("pairs of numbers turn by the angle of their position, and back") {
  Backend& ops = backend_under_test();
  for (const int64_t width : {2, 6, 8, 16}) {
    constexpr int64_t H = 3, d = 16;
    const Packing packing = packing_of({5, 1, 9});
    Guarded x(packing.tokens(), H * d, 3), turns(9, width, 1);
    x.random(1);
    const auto angle = [](int64_t t, int64_t i) { return 0.7 * double(t) - double(i * t * t); };
    for (int64_t t = 0; t < 9; ++t)
      for (int64_t i = 0; i < width / 2; ++i)
        turns(t, 2 * i) = Real(std::cos(angle(t, i))), turns(t, 2 * i + 1) = Real(std::sin(angle(t, i)));
    const Dense before(x);
    Dense want(x);
    for (int64_t b = 0; b < packing.sequences(); ++b)
      for (int64_t t = 0; t < packing.length(b); ++t)
        for (int64_t h = 0; h < H; ++h)
          for (int64_t i = 0; i < width / 2; ++i) {
            const int64_t row = packing.offset[size_t(b)] + t, col = h * d + 2 * i;
            const double p = before(row, col), q = before(row, col + 1), a = angle(t, i);
            want(row, col) = p * std::cos(a) - q * std::sin(a), want(row, col + 1) = p * std::sin(a) + q * std::cos(a);
          }
    const Tiles X{x, &packing, H, false};
    ops.rotate(X, turns, false);
    check_close("turned", x, want);
    ops.rotate(X, turns, true);
    check_close("turned back", x, before);
    CHECK(x.intact());
    for (int64_t i = 0; i < packing.tokens(); ++i)
      for (int64_t j = 0; j < H * d; ++j)
        if (j % d >= width) CHECK(double(x(i, j)) == before(i, j));
  }
}
