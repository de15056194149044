#include <algorithm>
#include <numeric>

#include "support/gradient_check.h"
#include "support/tensors.h"

using namespace vitrine;

namespace {

// α-entmax from its definition, by bisection of τ: [(α − 1) s_j − τ]₊^(1/(α − 1)), and the arguments of [·]₊.
struct Entmax {
  std::vector<double> p, inside;
};
Entmax reference(const std::vector<double>& s, double alpha) {
  const double top = (alpha - 1) * *std::max_element(s.begin(), s.end());
  double low = top - 1, high = top;
  Entmax out{std::vector<double>(s.size()), std::vector<double>(s.size())};
  for (int step = 0; step < 200; ++step) {
    const double tau = (low + high) / 2;
    double sum = 0;
    for (size_t j = 0; j < s.size(); ++j) {
      out.inside[j] = (alpha - 1) * s[j] - tau;
      sum += out.p[j] = out.inside[j] > 0 ? std::pow(out.inside[j], 1 / (alpha - 1)) : 0;
    }
    (sum >= 1 ? low : high) = tau;
  }
  return out;
}

std::vector<double> seen_scores(const Tiles& s, const Pattern& pattern, int64_t b, int64_t h, int64_t i) {
  std::vector<double> scores;
  for (int64_t j = 0; j < (pattern.causal ? i + 1 : s.packing->length(b)); ++j) scores.push_back(double(s(b, h).row(i)[j]));
  return scores;
}

constexpr int64_t kHeads = 2;
const std::vector<double> kAlphas = {1.001, 1.05, 1.25, 1.5, 1.75, 2};

}  // namespace

TEST_CASE("entmax is that of its definition, found by bisection") {
  Backend& ops = backend_under_test();
  const Packing packing = packing_of({1, 5, 70, 2});
  const double scale = GENERATE(0.05, 1.0, 12.0);
  const Pattern pattern{.causal = GENERATE(false, true)};
  const Guarded s = Guarded(1, kHeads * packing.pairs()).random(1, scale), p(1, kHeads * packing.pairs()), alpha(1, kHeads);
  const Tiles S{s, &packing, kHeads, true}, P{p, &packing, kHeads, true};
  int64_t zeros = 0;
  for (const double a : kAlphas) {
    CAPTURE(scale, pattern.causal, a);
    alpha(0, 0) = Real(a), alpha(0, 1) = Real(2.5 - a / 2);  // another one in each head
    if (alpha(0, 1) > 2) alpha(0, 1) = Real(1.3);
    const_cast<Guarded&>(p).garbage();
    ops.entmax_forward(P, S, alpha, pattern);
    each_tile(P, [&](int64_t b, int64_t h) {
      for (int64_t i = 0; i < packing.length(b); ++i) {
        const Entmax want = reference(seen_scores(S, pattern, b, h, i), double(alpha(0, h)));
        double worst = 0, sum = 0;
        for (int64_t j = 0; j < packing.length(b); ++j) {
          const double got = double(P(b, h).row(i)[j]), w = j < std::ssize(want.p) ? want.p[size_t(j)] : 0;
          worst = std::max(worst, std::fabs(got - w));
          sum += got;
          if (j >= std::ssize(want.p)) CHECK(got == 0);
          if (j < std::ssize(want.p) && want.inside[size_t(j)] < -1e-5) CHECK(got == 0);
          zeros += got == 0;
        }
        CHECK(worst <= (kDouble ? 1e-10 : 4e-6));
        CHECK(sum == Approx(1).epsilon(kDouble ? 1e-12 : 1e-6));
      }
    });
  }
  CHECK((scale < 1 || zeros > 100));
  CHECK(p.intact());
}

TEST_CASE("entmax goes to softmax as alpha goes to 1") {
  Backend& ops = backend_under_test();
  const Packing packing = packing_of({40});
  const Guarded s = Guarded(1, packing.pairs()).random(3, 2), p(1, packing.pairs()), q(1, packing.pairs()), alpha(1, 1);
  const auto tiles = [&](Tensor t) { return Tiles{t, &packing, 1, true}; };
  ops.softmax_forward(tiles(q), tiles(s), {});
  double before = 1;
  for (const double a : {1.1, 1.01, 1.001}) {
    alpha(0, 0) = Real(a);
    ops.entmax_forward(tiles(p), tiles(s), alpha, {});
    double worst = 0;
    for (int64_t k = 0; k < packing.pairs(); ++k) worst = std::max(worst, std::fabs(double(p(0, k)) - double(q(0, k))));
    CHECK(worst < before / 5);
    before = worst;
  }
  alpha(0, 0) = Real(1 + (kDouble ? 1e-7 : 1e-3));
  ops.entmax_forward(tiles(p), tiles(s), alpha, {});
  check_close("P", p, Dense(q), kDouble ? 1e-5 : 3e-3);
}

TEST_CASE("scores of ±10,000 give finite entmax, and one that is not a number spoils its row alone") {
  Backend& ops = backend_under_test();
  const Packing packing = packing_of({9});
  for (const double a : kAlphas) {
    const Guarded s = Guarded(1, 81).random(1, 1e4), p(1, 81), dp = Guarded(1, 81).random(2), alpha = Guarded(1, 1).fill(Real(a));
    const Guarded dalpha = Guarded(1, 1).fill(0);
    const auto tiles = [&](Tensor t) { return Tiles{t, &packing, 1, true}; };
    ops.entmax_forward(tiles(p), tiles(s), alpha, {});
    ops.entmax_backward(tiles(dp), dalpha, tiles(dp), tiles(p), alpha, {});
    for (int64_t k = 0; k < 81; ++k) REQUIRE((std::isfinite(p(0, k)) && std::isfinite(dp(0, k))));
    CHECK(std::isfinite(dalpha(0, 0)));
    s(0, 13) = std::numeric_limits<Real>::quiet_NaN();
    ops.entmax_forward(tiles(p), tiles(s), alpha, {});
    for (int64_t k = 0; k < 81; ++k) CHECK((k / 9 == 1 || std::isfinite(p(0, k))));
    CHECK(std::isnan(p(0, 13)));
    ops.top_k_forward(tiles(p), tiles(s), 3, {});
    for (int64_t k = 0; k < 81; ++k) CHECK((k / 9 == 1 || std::isfinite(p(0, k))));
    CHECK(std::isnan(p(0, 10)));
  }
}

// Where [·]₊ bends there is no derivative: scores are drawn until all its arguments are at least 0.05 from 0, much farther than differences reach.
TEST_CASE("gradients of entmax, of the scores and of alpha") {
  if (!kDouble) return;
  Backend& ops = backend_under_test();
  const Packing packing = packing_of({4, 1, 5});
  const int64_t size = kHeads * packing.pairs();
  const Pattern pattern{.causal = GENERATE(false, true)};
  for (const double a : kAlphas) {
    CAPTURE(a, pattern.causal);
    const Guarded alpha = Guarded(1, kHeads).fill(Real(a)), dalpha = Guarded(1, kHeads).fill(0);
    if (a < 1.9) alpha(0, 1) = Real(a + 0.03);
    const Guarded s(1, size), dp = Guarded(1, size).random(2), p(1, size), ds = Guarded(1, size).garbage();
    const auto tiles = [&](Tensor t) { return Tiles{t, &packing, kHeads, true}; };
    double margin = 0;
    for (uint32_t stream = 10; margin < 0.05 && stream < 10000; ++stream) {
      const_cast<Guarded&>(s).random(stream, 1.5);
      margin = 1;
      each_tile(tiles(s), [&](int64_t b, int64_t h) {
        for (int64_t i = 0; i < packing.length(b); ++i)
          for (double x : reference(seen_scores(tiles(s), pattern, b, h, i), double(alpha(0, h))).inside)
            margin = std::min(margin, std::fabs(x));
      });
    }
    REQUIRE(margin >= 0.05);
    const auto forward = [&] {
      ops.entmax_forward(tiles(p), tiles(s), alpha, pattern);
      double sum = 0;  // causal: what is not seen holds 0
      for (int64_t k = 0; k < size; ++k) sum += double(p(0, k)) * double(dp(0, k));
      return sum;
    };
    forward();
    ops.entmax_backward(tiles(ds), dalpha, tiles(dp), tiles(p), alpha, pattern);
    check_gradient("S", forward, s, ds);
    if (a > 1.04 && a < 1.9) check_gradient("alpha", forward, alpha, dalpha);  // differences in alpha reach 2e-3 far
    forward();
    const Guarded in_place(dp);
    ops.entmax_backward(tiles(in_place), {}, tiles(in_place), tiles(p), alpha, pattern);
    check_close("dS in place", in_place, Dense(ds), 0);
    ops.entmax_backward(tiles(ds), dalpha, tiles(dp), tiles(p), alpha, pattern);  // adds
    const double twice = double(dalpha(0, 0));
    const_cast<Guarded&>(dalpha).fill(0);
    ops.entmax_backward(tiles(ds), dalpha, tiles(dp), tiles(p), alpha, pattern);
    CHECK(twice == Approx(2 * double(dalpha(0, 0))));
  }
}

TEST_CASE("top-k is softmax over the k largest, of equal ones the first") {
  Backend& ops = backend_under_test();
  const Packing packing = packing_of({1, 5, 70, 2, 33});
  const int64_t size = kHeads * packing.pairs();
  const bool ties = GENERATE(false, true);
  for (const Pattern& pattern : {Pattern{}, Pattern{.causal = true}})
    for (const int64_t k : {1, 2, 7, 32, 33, 69, 70, 1000}) {
      CAPTURE(ties, pattern.causal, k);
      const Guarded s = Guarded(1, size).random(1, 2), p = Guarded(1, size).garbage();
      if (ties)
        for (int64_t n = 0; n < size; ++n) s(0, n) = std::round(s(0, n));
      const Tiles S{s, &packing, kHeads, true}, P{p, &packing, kHeads, true};
      ops.top_k_forward(P, S, k, pattern);
      bool right = true;
      each_tile(P, [&](int64_t b, int64_t h) {
        for (int64_t i = 0; i < packing.length(b); ++i) {
          const std::vector<double> scores = seen_scores(S, pattern, b, h, i);
          std::vector<size_t> order(scores.size());
          std::iota(order.begin(), order.end(), size_t{0});
          std::stable_sort(order.begin(), order.end(), [&](size_t x, size_t y) { return scores[x] > scores[y]; });
          std::vector<double> want(size_t(packing.length(b)), 0.0);
          double sum = 0;
          for (size_t n = 0; n < std::min(size_t(k), order.size()); ++n) sum += want[order[n]] = std::exp(scores[order[n]]);
          for (size_t j = 0; j < want.size(); ++j) {
            const double got = double(P(b, h).row(i)[j]);
            right = right && std::fabs(got - want[j] / sum) < 5 * kTolerance && (got == 0) == (want[j] == 0);
          }
        }
      });
      CHECK(right);
      CHECK(p.intact());
    }
}
