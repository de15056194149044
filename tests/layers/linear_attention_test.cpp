#include <cmath>

#include "layers/attention/linear.h"
#include "layers/self_attention.h"
#include "support/core_run.h"

using namespace vitrine;

namespace {

constexpr double kEpsilon = 1e-6;

AttentionSettings linear(bool causal) {
  AttentionSettings s;
  s.kind = AttentionKind::kLinear, s.causal = causal;
  return s;
}

double phi(double x) { return x > 0 ? x + 1 : std::exp(x); }
double phi_slope(double x) { return x > 0 ? 1 : std::exp(x); }

// One sequence and head in the quadratic form, from the formula alone:
//   W = φ(Q) φ(K)ᵀ over allowed pairs,  n = rowsum W + ε,  P = W / n,  O = P V
//   dP = dO Vᵀ,  dW = (dP − rowsum(dP ⊙ P)) / n,  dQ = (dW φ(K)) ⊙ φ'(Q),  dK = (dWᵀ φ(Q)) ⊙ φ'(K),  dV = Pᵀ dO
struct Quadratic {
  Dense P, O, dQ, dK, dV;
  std::vector<double> n;
};
Quadratic quadratic(const Dense& Q, const Dense& K, const Dense& V, const Dense& dO, bool causal) {
  const int64_t T = Q.rows, d = V.cols;
  Quadratic r{Dense(T, T), Dense(T, d), Dense(T, d), Dense(T, d), Dense(T, d), {}};
  for (int64_t i = 0; i < T; ++i) {
    const int64_t keys = causal ? i + 1 : T;
    double n = kEpsilon, mean = 0;
    for (int64_t j = 0; j < keys; ++j) {
      for (int64_t c = 0; c < d; ++c) r.P(i, j) += phi(Q(i, c)) * phi(K(j, c));
      n += r.P(i, j);
    }
    std::vector<double> dP(size_t(keys), 0.0);
    for (int64_t j = 0; j < keys; ++j) {
      r.P(i, j) /= n;
      for (int64_t c = 0; c < d; ++c) r.O(i, c) += r.P(i, j) * V(j, c), dP[size_t(j)] += dO(i, c) * V(j, c);
      mean += dP[size_t(j)] * r.P(i, j);
    }
    for (int64_t j = 0; j < keys; ++j) {
      const double dW = (dP[size_t(j)] - mean) / n;
      for (int64_t c = 0; c < d; ++c) {
        r.dQ(i, c) += dW * phi(K(j, c)) * phi_slope(Q(i, c));
        r.dK(j, c) += dW * phi(Q(i, c)) * phi_slope(K(j, c));
        r.dV(j, c) += r.P(i, j) * dO(i, c);
      }
    }
    r.n.push_back(n);
  }
  return r;
}

void check_against_quadratic(const std::vector<int64_t>& lengths, int64_t D, int64_t H, bool causal) {
  const Batch batch = batch_of(lengths);
  const int64_t N = batch.size(), d = D / H;
  Guarded qkv(N, 3 * D, 5), dO(N, D);
  qkv.random(1), dO.random(2);
  const CoreShape shape{"blocks.4.attention", 4, H, D, 0};
  WeightReader probe;
  const CoreRun run = run_core(shape, linear(causal), batch, qkv, dO),
                seen = run_core(shape, linear(causal), batch, qkv, dO, false, &probe);
  Dense O(N, D), dqkv(N, 3 * D);
  for (int64_t b = 0, at = 0; b < batch.sequence_count(); ++b)
    for (int64_t h = 0; h < H; ++h, ++at) {
      const int64_t row = batch.offsets[size_t(b)], T = batch.length(b);
      const Quadratic want = quadratic(tile_of(qkv, batch, b, h, H, 0), tile_of(qkv, batch, b, h, H, 1),
                                       tile_of(qkv, batch, b, h, H, 2), Dense((*dO).slice(row, T).columns(h * d, d)), causal);
      put_tile(O, want.O, row, h * d);
      put_tile(dqkv, want.dQ, row, h * d), put_tile(dqkv, want.dK, row, D + h * d), put_tile(dqkv, want.dV, row, 2 * D + h * d);
      const Dense& P = probe.weights[size_t(at)];
      compare("P", P, want.P);
      for (int64_t i = 0; i < T; ++i) {
        double sum = 0;
        for (int64_t j = 0; j < T; ++j) {
          sum += P(i, j);
          if (causal && j > i) CHECK(P(i, j) == 0);
        }
        CHECK(std::fabs(sum - (1 - kEpsilon / want.n[size_t(i)])) <= 4 * kTolerance);  // 1 but for the ε
      }
    }
  compare("O", run.O, O, 2 * kTolerance);
  compare("O with the weights that a probe saw", seen.O, O, 2 * kTolerance);
  compare("dQ dK dV", run.dqkv, dqkv, 2 * kTolerance);
}

}  // namespace

// Lengths on both sides of the chunks of 64 tokens that the kernel works in.
TEST_CASE("linear attention is its quadratic form") {
  const bool causal = GENERATE(false, true);
  CAPTURE(causal);
  check_against_quadratic({5, 1, 33, 63, 64, 65, 2, 127, 128, 200}, 24, 3, causal);
}

TEST_CASE("linear attention of heads so wide that its chunks are shorter") {
  check_against_quadratic({40, 3, 16}, 4096, 1, GENERATE(false, true));  // 16 tokens
}

// φ'' jumps at 0, so finite differences need inputs of φ that stay on one side of it: test_layer moves them by at most 2e-3 times a
// weight or an input, and those are below 4.
TEST_CASE("self-attention, linear") {
  constexpr int64_t D = 8;
  SelfAttention layer("blocks.4.attention", 4, {D, 2, linear(GENERATE(false, true)), 0, Init::normal(0.1)});
  struct Margin : Probe {
    bool wants(std::string_view name) const override { return name.ends_with(".query") || name.ends_with(".key"); }
    void visit(std::string_view, const Place&, Values& values) override {
      std::vector<double> row(size_t(values.cols()));
      for (int64_t i = 0; i < values.rows(); ++i) {
        values.read(i, 0, row);
        for (double v : row) least = std::min(least, std::fabs(v));
      }
    }
    double least = 1;
  } margin;
  Harness harness(layer, extent_for(20, 9));  // as test_layer makes it
  harness.load(batch_of({5, 1, 3}));
  Step s = harness.step(false, &margin);
  layer.forward(s, Guarded(9, D).random(3));
  REQUIRE(margin.least >= 8e-3);
  test_layer(layer, D, D);
}

TEST_CASE("dropout of the weights does not exist for linear attention") {
  const Batch batch = batch_of({7, 3});
  Guarded qkv(10, 36), dO(10, 12);
  qkv.random(1), dO.random(2);
  const CoreRun with = run_core({"a", 0, 3, 12, 0.5}, linear(false), batch, qkv, dO, true),
                without = run_core({"a", 0, 3, 12, 0}, linear(false), batch, qkv, dO, true);
  CHECK(with.O.values == without.O.values);
  CHECK(with.dqkv.values == without.dqkv.values);
}

TEST_CASE("what a probe leaves of the weights of linear attention is used") {
  const Batch batch = batch_of({3, 7});
  Guarded qkv(10, 36), dO(10, 12);
  qkv.random(1), dO.random(2);
  FirstKeyOnly probe;
  const CoreRun run = run_core({"a", 0, 3, 12, 0}, linear(true), batch, qkv, dO, false, &probe);
  for (int64_t i = 0; i < 10; ++i)
    for (int64_t j = 0; j < 12; ++j) CHECK(run.O(i, j) == double(qkv(i < 3 ? 0 : 3, 24 + j)));
}

// q and k of some hundreds: features from e^−300, which is 0 in float, to 300, and rows whose features are all 0.
TEST_CASE("linear attention of large q and k is finite") {
  const Batch batch = batch_of({70, 5});
  Guarded qkv(75, 36), dO(75, 12);
  qkv.random(1, 100), dO.random(2);
  for (int64_t c = 0; c < 12; ++c) qkv(3, c) = -1000, qkv(4, 12 + c) = -1000;
  for (const bool causal : {false, true}) {
    const CoreRun run = run_core({"a", 0, 3, 12, 0}, linear(causal), batch, qkv, dO);
    for (double v : run.O.values) REQUIRE(std::isfinite(v));
    for (double v : run.dqkv.values) REQUIRE(std::isfinite(v));
    for (int64_t c = 0; c < 12; ++c) CHECK(run.O(3, c) == 0);  // no key fits: nothing, not NaN
  }
}

TEST_CASE("a causal output knows nothing of later tokens") {
  const Batch batch = batch_of({150});
  Guarded qkv(150, 36), dO(150, 12);
  qkv.random(1), dO.random(2);
  const CoreRun before = run_core({"a", 0, 3, 12, 0}, linear(true), batch, qkv, dO);
  for (int64_t i = 100; i < 150; ++i)
    for (int64_t j = 0; j < 36; ++j) qkv(i, j) += 1;
  const CoreRun after = run_core({"a", 0, 3, 12, 0}, linear(true), batch, qkv, dO);
  CHECK(std::equal(before.O.values.begin(), before.O.values.begin() + 100 * 12, after.O.values.begin()));
  CHECK(!std::equal(before.O.values.begin() + 100 * 12, before.O.values.end(), after.O.values.begin() + 100 * 12));
}

TEST_CASE("memory of linear attention doubles with the length") {
  for (int64_t T = 1024; T <= 4096; T *= 2) {
    const CoreShape shape{"a", 0, 4, 128, 0};
    CHECK(double(planned_numbers(shape, linear(true), 2 * T)) <= 2.1 * double(planned_numbers(shape, linear(true), T)));
    CHECK(planned_numbers(shape, linear(true), T) == T * (3 * 128 + 4) + 2 * 128 * 33);  // φq, φk, O, n, two states a head
  }
}
