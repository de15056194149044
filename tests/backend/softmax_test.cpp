#include "support/gradient_check.h"
#include "support/tensors.h"

using namespace vitrine;

TEST_CASE("softmax over ragged tiles, full and causal") {
  Backend& ops = backend_under_test();
  for_packings([&](const Packing& packing, int64_t heads, int64_t d, int64_t) {
    if (d != 1) return;
    const int64_t size = heads * packing.pairs();
    for (const bool causal : {false, true}) {
      CAPTURE(causal);
      const Pattern pattern{.causal = causal};
      const Guarded s = Guarded(1, size).random(1, 2), dp = Guarded(1, size).random(2);
      const Guarded p = Guarded(1, size).garbage(), ds = Guarded(1, size).garbage();
      const auto tiles = [&](Tensor t) { return Tiles{t, &packing, heads, true}; };
      const Tiles S = tiles(s), P = tiles(p), dP = tiles(dp), dS = tiles(ds);
      const auto forward = [&] {
        ops.softmax_forward(P, S, pattern);
        return dot(p, dp);
      };
      forward();
      ops.softmax_backward(dS, dP, P, pattern);

      for (int64_t b = 0; b < packing.sequences(); ++b) {
        for (int64_t h = 0; h < heads; ++h) {
          const int64_t T = packing.length(b);
          Dense want(T, T), want_ds(T, T);
          for (int64_t i = 0; i < T; ++i) {
            const auto allowed = [&](int64_t j) { return !causal || j <= i; };
            double z = 0, total = 0;
            for (int64_t j = 0; j < T; ++j) z += allowed(j) ? std::exp(static_cast<double>(S(b, h).row(i)[j])) : 0;
            for (int64_t j = 0; j < T; ++j) want(i, j) = allowed(j) ? std::exp(static_cast<double>(S(b, h).row(i)[j])) / z : 0;
            // dS_j = Σ_k dP_k ∂p_k/∂s_j,  ∂p_k/∂s_j = p_k ([k = j] − p_j)
            for (int64_t j = 0; j < T; ++j) {
              for (int64_t k = 0; k < T; ++k) {
                want_ds(i, j) += static_cast<double>(dP(b, h).row(i)[k]) * want(i, k) * ((k == j ? 1 : 0) - want(i, j));
              }
            }
            for (int64_t j = 0; j < T; ++j) {
              total += static_cast<double>(P(b, h).row(i)[j]);
              if (!allowed(j)) CHECK((P(b, h).row(i)[j] == 0 && dS(b, h).row(i)[j] == 0));
            }
            CHECK(total == Approx(1).margin(10 * kTolerance));
          }
          check_close("P", P(b, h), want);
          if (T > 1) check_close("dS", dS(b, h), want_ds);
        }
      }
      CHECK((p.intact() && ds.intact()));
      check_gradient("S", forward, s, ds, 0, 100);

      forward();
      const Guarded p_in_place(s), ds_in_place(dp);
      ops.softmax_forward(tiles(p_in_place), tiles(p_in_place), pattern);
      ops.softmax_backward(tiles(ds_in_place), tiles(ds_in_place), P, pattern);
      check_close("P in place", p_in_place, Dense(p), 0);
      check_close("dS in place", ds_in_place, Dense(ds), 0);
    }
  });
}

TEST_CASE("softmax of any pattern: 0 where it forbids, also in rows that see nothing") {
  Backend& ops = backend_under_test();
  const Packing packing = packing_of({5, 1, 33});
  const int64_t size = 2 * packing.pairs();
  for (const Pattern& pattern :
       {Pattern{.window = 2}, Pattern{.causal = true, .window = 7}, Pattern{.block = 4, .reach = 0, .global = 1},
        Pattern{.block = 2, .reach = 0, .stride = 5}, Pattern{.causal = true, .block = 3, .reach = 0, .random = 2},
        Pattern{.causal = true, .block = 4, .reach = -1, .random = 1}}) {
    const Guarded s = Guarded(1, size).random(1, 2), dp = Guarded(1, size).random(2), ds = Guarded(1, size).garbage();
    const Guarded p = Guarded(1, size).garbage();
    const auto tiles = [&](Tensor t) { return Tiles{t, &packing, 2, true}; };
    ops.softmax_forward(tiles(p), tiles(s), pattern);
    ops.softmax_backward(tiles(ds), tiles(dp), tiles(p), pattern);
    each_tile(tiles(p), [&](int64_t b, int64_t h) {
      const int64_t T = packing.length(b);
      Dense seen(T, T), want(T, T), want_ds(T, T);
      std::vector<Keys> keys;
      for (int64_t i = 0; i < T; ++i) {
        pattern.seen_by(keys, h, i, 1, T);
        double z = 0, mean = 0;
        for (const Keys& k : keys)
          for (int64_t j = std::max(k.at, pattern.ends(h, i, T).at); j < std::min(k.end(), pattern.ends(h, i, T).end()); ++j) {
            seen(i, j) = 1;
            z += want(i, j) = std::exp(double(tiles(s)(b, h).row(i)[j]));
          }
        for (int64_t j = 0; j < T; ++j) want(i, j) /= z > 0 ? z : 1;
        for (int64_t j = 0; j < T; ++j) mean += want(i, j) * double(tiles(dp)(b, h).row(i)[j]);
        for (int64_t j = 0; j < T; ++j) want_ds(i, j) = want(i, j) * (double(tiles(dp)(b, h).row(i)[j]) - mean);
        for (int64_t j = 0; j < T; ++j)
          if (seen(i, j) == 0) CHECK((tiles(p)(b, h).row(i)[j] == 0 && tiles(ds)(b, h).row(i)[j] == 0));
      }
      check_close("P", tiles(p)(b, h), want);
      check_close("dS", tiles(ds)(b, h), want_ds);
    });
    const Guarded in_place(s);
    ops.softmax_forward(tiles(in_place), tiles(in_place), pattern);
    check_close("P in place", in_place, Dense(p), 0);
    CHECK((p.intact() && ds.intact() && in_place.intact()));
  }
}

TEST_CASE("softmax of scores of ±10,000 is finite and adds up to 1") {
  Backend& ops = backend_under_test();
  const Packing packing = packing_of({9});
  for (double top : {1e4, -1e4}) {
    const Guarded s = Guarded(1, 81).fill(static_cast<Real>(-1e4));
    for (int64_t i = 0; i < 9; ++i) s(0, i * 9 + 3) = static_cast<Real>(top);
    const Tiles S{s, &packing, 1, true};
    ops.softmax_forward(S, S, {});
    for (int64_t i = 0; i < 9; ++i) {
      double total = 0;
      for (int64_t j = 0; j < 9; ++j) total += static_cast<double>(s(0, i * 9 + j));
      CHECK(total == Approx(1));
      CHECK(static_cast<double>(s(0, i * 9 + 3)) == Approx(top > 0 ? 1.0 : 1.0 / 9));
    }
  }
}

TEST_CASE("a score that is not a number makes its row not a number, and no other") {
  Backend& ops = backend_under_test();
  const Packing packing = packing_of({3, 2});
  const Guarded s = Guarded(1, 13).random(1);
  s(0, 4) = std::numeric_limits<Real>::quiet_NaN();
  ops.softmax_forward({s, &packing, 1, true}, {s, &packing, 1, true}, {});
  for (int64_t k = 0; k < 13; ++k) CHECK(std::isnan(s(0, k)) == (k >= 3 && k < 6));
}

TEST_CASE("softmax of a row whose scores are all −∞ is 0") {
  Backend& ops = backend_under_test();
  Packing packing;
  packing.add(2);
  const Guarded s = Guarded(1, 4).random(1), p(1, 4);
  s(0, 0) = s(0, 1) = -std::numeric_limits<Real>::infinity();
  ops.softmax_forward({p, &packing, 1, true}, {s, &packing, 1, true}, {});
  CHECK(p(0, 0) == 0);
  CHECK(p(0, 1) == 0);
  CHECK(double(p(0, 2)) + double(p(0, 3)) == Approx(1));
}
