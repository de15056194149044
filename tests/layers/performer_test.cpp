#include "layers/attention/performer.h"

#include <cmath>

#include "layers/attention/orthogonal_features.h"
#include "layers/self_attention.h"
#include "support/core_run.h"

using namespace vitrine;

namespace {

AttentionSettings performer(bool causal, int64_t features = 0, int64_t redraw = 0) {
  AttentionSettings s;
  s.kind = AttentionKind::kPerformer, s.causal = causal, s.features = features, s.redraw = redraw;
  return s;
}

RngKey features_key(uint64_t seed, uint32_t layer, uint32_t head, uint32_t draw = 0) {
  return RngKey{seed, 0, draw}.of(Purpose::kRandomFeatures, layer, head);
}

double inner(const double* x, const double* y, int64_t n) {
  double sum = 0;
  for (int64_t j = 0; j < n; ++j) sum += x[j] * y[j];
  return sum;
}

// φ(x)·φ(y) = 1/m Σ_r e^(ω_r·(x̃ + ỹ) − (|x̃|² + |ỹ|²)/2) from the formula alone, x̃ = x/d^¼.
double estimate(const std::vector<double>& w, const std::vector<double>& x, const std::vector<double>& y) {
  const auto d = int64_t(x.size()), m = int64_t(w.size()) / d;
  const double scale = std::pow(double(d), -0.25);
  std::vector<double> sum(x.size());
  for (size_t j = 0; j < x.size(); ++j) sum[j] = scale * (x[j] + y[j]);
  const double half = scale * scale * (inner(x.data(), x.data(), d) + inner(y.data(), y.data(), d)) / 2;
  double total = 0;
  for (int64_t r = 0; r < m; ++r) total += std::exp(inner(w.data() + r * d, sum.data(), d) - half);
  return total / double(m);
}

std::vector<double> row_of(const Dense& x, int64_t i) {
  return {x.values.begin() + i * x.cols, x.values.begin() + (i + 1) * x.cols};
}

std::vector<double> normal_vector(int64_t d, uint32_t stream, double scale) {
  std::vector<double> x(size_t(d), 0.0);
  for (int64_t j = 0; j < d; ++j) x[size_t(j)] = scale * RngKey{3, stream, 0}.normal(0, uint32_t(j));
  return x;
}

// Softmax attention of one sequence and head, and its output.
Dense softmax_attention(const Dense& Q, const Dense& K, const Dense& V) {
  Dense O(Q.rows, V.cols);
  for (int64_t i = 0; i < Q.rows; ++i) {
    double sum = 0;
    for (int64_t j = 0; j < K.rows; ++j) {
      const double p = std::exp(inner(row_of(Q, i).data(), row_of(K, j).data(), Q.cols) / std::sqrt(double(Q.cols)));
      sum += p;
      for (int64_t c = 0; c < V.cols; ++c) O(i, c) += p * V(j, c);
    }
    for (int64_t c = 0; c < V.cols; ++c) O(i, c) /= sum;
  }
  return O;
}

}  // namespace

TEST_CASE("features of a block are orthogonal, each as long as a normal vector, and a function of their place alone") {
  constexpr int64_t d = 7, m = 17;  // two blocks and three rows
  const std::vector<double> w = draw_orthogonal_features(m, d, features_key(1, 2, 3));
  for (int64_t i = 0; i < m; ++i)
    for (int64_t k = 0; k < i; ++k) {
      const double *x = w.data() + i * d, *y = w.data() + k * d;
      const double cosine = inner(x, y, d) / std::sqrt(inner(x, x, d) * inner(y, y, d));
      if (i / d == k / d)
        CHECK(std::fabs(cosine) < 1e-14);
      else
        CHECK(std::fabs(cosine) > 1e-6);
    }
  CHECK(draw_orthogonal_features(m, d, features_key(1, 2, 3)) == w);
  for (const RngKey& other : {features_key(2, 2, 3), features_key(1, 1, 3), features_key(1, 2, 0), features_key(1, 2, 3, 1)})
    CHECK(draw_orthogonal_features(m, d, other) != w);
  // |ω|² is χ²(d): mean d, variance 2d
  constexpr int n = 400;
  double sum = 0, squares = 0, first = 0;
  for (uint32_t k = 0; k < n; ++k) {
    const std::vector<double> draw = draw_orthogonal_features(d, d, features_key(5, 0, 0, k));
    for (int64_t i = 0; i < d; ++i) {
      const double length = inner(draw.data() + i * d, draw.data() + i * d, d);
      sum += length, squares += length * length, first += draw[size_t(i * d)];
    }
  }
  const double N = double(n) * d, mean = sum / N, variance = squares / N - mean * mean;
  CHECK(std::fabs(mean - d) < 4 * std::sqrt(2.0 * d / N));
  CHECK(variance == Approx(2.0 * d).epsilon(0.15));
  CHECK(std::fabs(first / N) < 4 / std::sqrt(N));
}

TEST_CASE("products of features estimate the exponential of the score without bias") {
  constexpr int64_t d = 8, m = 16;
  constexpr int n = 3000;
  for (const uint32_t pair : {1u, 2u, 3u}) {
    const std::vector<double> q = normal_vector(d, pair, 0.7), k = normal_vector(d, pair + 10, 0.7);
    double sum = 0, squares = 0;
    for (uint32_t draw = 0; draw < n; ++draw) {
      const double e = estimate(draw_orthogonal_features(m, d, features_key(4, 0, pair, draw)), q, k);
      sum += e, squares += e * e;
    }
    const double mean = sum / n, error = std::sqrt((squares / n - mean * mean) / n);
    const double want = std::exp(inner(q.data(), k.data(), d) / std::sqrt(double(d)));
    CAPTURE(pair, mean, want, error);
    CHECK(error < 0.05 * want);
    CHECK(std::fabs(mean - want) < 4 * error);
  }
}

// Lengths on both sides of the chunks of 64 tokens; P and O from the formula, without any stabiliser.
TEST_CASE("performer attention equals its formula") {
  constexpr int64_t D = 12, H = 3, d = D / H, m = 10;
  const bool causal = GENERATE(false, true);
  CAPTURE(causal);
  const Batch batch = batch_of({5, 1, 33, 64, 65, 130});
  Guarded qkv(batch.size(), 3 * D, 5), dO(batch.size(), D);
  qkv.random(1, 1.5), dO.random(2);
  WeightReader probe;
  const CoreShape shape{"blocks.4.attention", 4, H, D, 0};
  const CoreRun run = run_core(shape, performer(causal, m), batch, qkv, dO),
                seen = run_core(shape, performer(causal, m), batch, qkv, dO, false, &probe);
  Dense O(batch.size(), D);
  for (int64_t b = 0, at = 0; b < batch.sequence_count(); ++b)
    for (int64_t h = 0; h < H; ++h, ++at) {
      std::vector<double> w = draw_orthogonal_features(m, d, features_key(7, 4, uint32_t(h)));
      for (double& v : w) v = double(Real(v));
      const Dense Q = tile_of(qkv, batch, b, h, H, 0), K = tile_of(qkv, batch, b, h, H, 1), V = tile_of(qkv, batch, b, h, H, 2);
      Dense P(Q.rows, Q.rows), want(Q.rows, d);
      for (int64_t i = 0; i < Q.rows; ++i) {
        double sum = 0, all = 0;
        for (int64_t j = 0; j < (causal ? i + 1 : Q.rows); ++j) sum += P(i, j) = estimate(w, row_of(Q, i), row_of(K, j));
        for (int64_t j = 0; j < Q.rows; ++j) {
          P(i, j) /= sum;
          for (int64_t c = 0; c < d; ++c) want(i, c) += P(i, j) * V(j, c);
          const double p = probe.weights[size_t(at)](i, j);
          all += p;
          if (causal && j > i) CHECK(p == 0);
        }
        CHECK(std::fabs(all - 1) < 4 * kTolerance);
      }
      compare("P", probe.weights[size_t(at)], P, 4 * kTolerance);
      put_tile(O, want, batch.offsets[size_t(b)], h * d);
    }
  compare("O", run.O, O, 8 * kTolerance);
  compare("O with the weights that a probe saw", seen.O, O, 8 * kTolerance);
}

TEST_CASE("self-attention, performer") {
  SelfAttention layer("blocks.4.attention", 4, {12, 3, performer(GENERATE(false, true), 6), 0, Init::normal(0.1)});
  test_layer(layer, 12, 12);
}

// Relative error of O against softmax attention, averaged over draws: log error against log m has the slope −1/2.
TEST_CASE("the error of performer attention falls as one over the root of the number of features") {
  constexpr int64_t D = 16, T = 40;
  const Batch batch = batch_of({T});
  Guarded qkv(T, 3 * D);
  qkv.random(1, 0.3);  // where m = 16 already averages: the variance of an estimate grows as e^|q̃+k̃|²
  for (int64_t i = 0; i < T; ++i)
    for (int64_t c = 0; c < D; ++c) qkv(i, 2 * D + c) *= 3;
  const Dense want =
      softmax_attention(tile_of(qkv, batch, 0, 0, 1, 0), tile_of(qkv, batch, 0, 0, 1, 1), tile_of(qkv, batch, 0, 0, 1, 2));
  std::vector<double> x, y;
  for (int64_t m = 16; m <= 1024; m *= 2) {
    const auto core = make_attention_core({"a", 0, 1, D, 0}, performer(false, m));
    Harness harness(*core, extent_for(T, T));
    harness.load(batch);
    double squares = 0, norm = 0;
    for (uint64_t seed = 0; seed < 12; ++seed) {
      harness.states()[0].start(harness.ops(), RngKey{seed, 0, 0});
      Step s = harness.step();
      const Dense O(core->forward(s, part_of(s, qkv, 0, 1), part_of(s, qkv, 1, 1), part_of(s, qkv, 2, 1)).base);
      for (size_t i = 0; i < O.values.size(); ++i)
        squares += std::pow(O.values[i] - want.values[i], 2), norm += std::pow(want.values[i], 2);
    }
    x.push_back(std::log(double(m))), y.push_back(0.5 * std::log(squares / norm));
  }
  double mx = 0, my = 0, xy = 0, xx = 0;
  const auto n = double(x.size());
  for (size_t k = 0; k < x.size(); ++k) mx += x[k] / n, my += y[k] / n;
  for (size_t k = 0; k < x.size(); ++k) xy += (x[k] - mx) * (y[k] - my), xx += (x[k] - mx) * (x[k] - mx);
  CAPTURE(y);
  CHECK(xy / xx == Approx(-0.5).margin(0.08));
  CHECK(std::exp(y.back()) < 0.1);
}

TEST_CASE("features are drawn anew after every `redraw` steps, and the draw is that of its number") {
  const auto core = make_attention_core({"a", 2, 2, 8, 0}, performer(false, 5, 3)),
             never = make_attention_core({"a", 2, 2, 8, 0}, performer(false, 5));
  Harness harness(*core, extent_for(4, 4)), still(*never, extent_for(4, 4));
  const NamedState& state = harness.states()[0];
  CHECK(state.name == "a.features");
  CHECK(state.shape == std::vector<int64_t>{2, 5, 4});
  const auto features = [&] { return copy_of(state.value); };
  const auto drawn = [](uint32_t number) {
    std::vector<Real> all;
    for (uint32_t h = 0; h < 2; ++h)
      for (double v : draw_orthogonal_features(5, 4, features_key(7, 2, h, number))) all.push_back(Real(v));
    return all;
  };
  const std::vector<Real> fixed = copy_of(still.states()[0].value);
  for (uint32_t step = 1; step <= 7; ++step) {
    state.advance(harness.ops(), RngKey{7, 0, step});
    still.states()[0].advance(still.ops(), RngKey{7, 0, step});
    CAPTURE(step);
    CHECK(features() == drawn(step / 3));
    CHECK(copy_of(still.states()[0].value) == fixed);
  }
}

// Exponents of ±10⁴: some features are 0, and so may be a whole denominator; nothing overflows.
TEST_CASE("performer attention of large q and k is finite") {
  const Batch batch = batch_of({70, 5});
  Guarded qkv(75, 36), dO(75, 12);
  qkv.random(1, 100), dO.random(2);
  for (const bool causal : {false, true}) {
    const CoreRun run = run_core({"a", 0, 3, 12, 0}, performer(causal), batch, qkv, dO);
    for (double v : run.O.values) REQUIRE(std::isfinite(v));
    for (double v : run.dqkv.values) REQUIRE(std::isfinite(v));
  }
}

TEST_CASE("what a probe leaves of the weights of performer attention is used") {
  const Batch batch = batch_of({3, 7});
  Guarded qkv(10, 36), dO(10, 12);
  qkv.random(1), dO.random(2);
  FirstKeyOnly probe;
  const CoreRun run = run_core({"a", 0, 3, 12, 0}, performer(true), batch, qkv, dO, false, &probe);
  for (int64_t i = 0; i < 10; ++i)
    for (int64_t j = 0; j < 12; ++j) CHECK(run.O(i, j) == double(qkv(i < 3 ? 0 : 3, 24 + j)));
}

TEST_CASE("memory of performer attention doubles with the length") {
  const CoreShape shape{"a", 0, 4, 128, 0};
  for (int64_t T = 1024; T <= 4096; T *= 2)
    CHECK(double(planned_numbers(shape, performer(true), 2 * T)) <= 2.1 * double(planned_numbers(shape, performer(true), T)));
}
