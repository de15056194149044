#include "layers/attention/routing.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "layers/self_attention.h"
#include "support/core_run.h"

using namespace vitrine;

namespace {

AttentionSettings routing(bool causal, int64_t clusters, double decay = 0.9) {
  AttentionSettings s;
  s.kind = AttentionKind::kRouting, s.causal = causal, s.clusters = clusters, s.decay = decay;
  return s;
}

Dense normalised(const Dense& x) {
  Dense y = x;
  for (int64_t i = 0; i < x.rows; ++i) {
    double mean = 0, variance = 0;
    for (int64_t j = 0; j < x.cols; ++j) mean += x(i, j) / double(x.cols);
    for (int64_t j = 0; j < x.cols; ++j) variance += std::pow(x(i, j) - mean, 2) / double(x.cols);
    for (int64_t j = 0; j < x.cols; ++j) y(i, j) = (x(i, j) - mean) / std::sqrt(variance + 1e-5);
  }
  return y;
}

double distance(const Dense& x, int64_t i, const Dense& y, int64_t k) {
  double sum = 0;
  for (int64_t j = 0; j < x.cols; ++j) sum += std::pow(x(i, j) - y(k, j), 2);
  return sum;
}

// The w rows of x that are nearest to each centroid, ascending; `margin` shrinks to the least distance between the last row taken and the
// first one left.
std::vector<std::vector<int64_t>> taken(const Dense& x, const Dense& centroids, double& margin) {
  const int64_t T = x.rows, c = centroids.rows, w = (T + c - 1) / c;
  std::vector<std::vector<int64_t>> all;
  for (int64_t m = 0; m < c; ++m) {
    std::vector<int64_t> order(static_cast<size_t>(T));
    std::iota(order.begin(), order.end(), int64_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](int64_t i, int64_t j) { return distance(x, i, centroids, m) < distance(x, j, centroids, m); });
    if (w < T)
      margin = std::min(margin, distance(x, order[size_t(w)], centroids, m) - distance(x, order[size_t(w) - 1], centroids, m));
    order.resize(size_t(w));
    std::sort(order.begin(), order.end());
    all.push_back(std::move(order));
  }
  return all;
}

// One sequence and head, from the words of the paper: the weights of each query, over the clusters that take it.
struct Reference {
  Dense P, O;
  std::vector<int64_t> clusters;  // of each query
};
Reference reference(const Dense& Q, const Dense& K, const Dense& V, const Dense& centroids, bool causal, double& margin) {
  const int64_t T = Q.rows, d = V.cols;
  const Dense q = normalised(Q), k = causal ? q : normalised(K);
  const auto queries = taken(q, centroids, margin), keys = taken(k, centroids, margin);
  Reference r{Dense(T, T), Dense(T, d), std::vector<int64_t>(size_t(T), 0)};
  for (size_t m = 0; m < queries.size(); ++m)
    for (int64_t i : queries[m]) {
      ++r.clusters[size_t(i)];
      double sum = 0;
      std::vector<double> e(size_t(T), 0.0);
      for (int64_t j : keys[m]) {
        if (causal && j > i) continue;
        double score = 0;
        for (int64_t c = 0; c < d; ++c) score += q(i, c) * k(j, c);
        sum += e[size_t(j)] = std::exp(score / std::sqrt(double(d)));
      }
      for (int64_t j = 0; j < T; ++j) r.P(i, j) += e[size_t(j)] / sum;
    }
  for (int64_t i = 0; i < T; ++i)
    for (int64_t j = 0; j < T; ++j) {
      if (r.clusters[size_t(i)] > 0) r.P(i, j) /= double(r.clusters[size_t(i)]);
      for (int64_t c = 0; c < d; ++c) r.O(i, c) += r.P(i, j) * V(j, c);
    }
  return r;
}

Dense centroids_of(const NamedState& state, int64_t h) {
  const int64_t c = state.shape[1];
  return Dense(state.value.slice(h * c, c).columns(0, state.shape[2]));
}

// Asserts that a layer's selections stay what they are under the steps of finite differences, which test_layer takes.
void require_margins(SelfAttention& layer, int64_t D, int64_t H, bool causal) {
  struct Reader : Probe {
    bool wants(std::string_view name) const override { return name.ends_with(".query") || name.ends_with(".key"); }
    void visit(std::string_view name, const Place&, Values& values) override {
      Dense x(values.rows(), values.cols());
      for (int64_t i = 0; i < x.rows; ++i) values.read(i, 0, std::span(x.values).subspan(size_t(i * x.cols), size_t(x.cols)));
      (name.ends_with(".query") ? q : k) = x;
    }
    Dense q{0, 0}, k{0, 0};
  } seen;
  const Batch batch = batch_of({5, 1, 3});
  Harness harness(layer, extent_for(20, 9));  // as test_layer makes it
  harness.load(batch);
  Step s = harness.step(false, &seen);
  layer.forward(s, Guarded(9, D).random(3));
  double margin = 1;
  const int64_t d = D / H;
  for (int64_t b = 0; b < 3; ++b)
    for (int64_t h = 0; h < H; ++h)
      for (const Dense* x : {&seen.q, &seen.k}) {
        if (causal && x == &seen.k) continue;
        Dense tile(batch.length(b), d);
        for (int64_t i = 0; i < tile.rows; ++i)
          for (int64_t j = 0; j < d; ++j) tile(i, j) = (*x)(batch.offsets[size_t(b)] + i, h * d + j);
        taken(normalised(tile), centroids_of(harness.states()[0], h), margin);
      }
  REQUIRE(margin >= 0.05);
}

}  // namespace

// Sequences longer and shorter than the number of clusters.
TEST_CASE("routing attention is what the paper says") {
  constexpr int64_t D = 24, H = 3, c = 4;
  const bool causal = GENERATE(false, true);
  CAPTURE(causal);
  const Batch batch = batch_of({5, 1, 33, 2, 70, 4});
  Guarded qkv(batch.size(), 3 * D, 5), dO(batch.size(), D);
  qkv.random(1), dO.random(2);
  WeightReader probe;
  const CoreShape shape{"blocks.4.attention", 4, H, D, 0};
  const CoreRun run = run_core(shape, routing(causal, c), batch, qkv, dO),
                seen = run_core(shape, routing(causal, c), batch, qkv, dO, false, &probe);
  const auto core = make_attention_core(shape, routing(causal, c));
  const Harness start(*core, extent_for(9, 9));  // the same centroids
  Dense O(batch.size(), D);
  double margin = 1;
  int64_t left_out = 0, several = 0;
  for (int64_t b = 0, at = 0; b < batch.sequence_count(); ++b)
    for (int64_t h = 0; h < H; ++h, ++at) {
      const Reference want = reference(tile_of(qkv, batch, b, h, H, 0), tile_of(qkv, batch, b, h, H, 1),
                                       tile_of(qkv, batch, b, h, H, 2), centroids_of(start.states()[0], h), causal, margin);
      put_tile(O, want.O, batch.offsets[size_t(b)], h * (D / H));
      const Dense& P = probe.weights[size_t(at)];
      compare("P", P, want.P, 2 * kTolerance);
      for (int64_t i = 0; i < P.rows; ++i) {
        double sum = 0;
        for (int64_t j = 0; j < P.cols; ++j) {
          sum += P(i, j);
          if (want.P(i, j) == 0) CHECK(P(i, j) == 0);
        }
        const bool none = want.clusters[size_t(i)] == 0;
        left_out += none, several += want.clusters[size_t(i)] > 1;
        if (none)
          CHECK(sum == 0);
        else if (!causal)
          CHECK(std::fabs(sum - 1) < 4 * kTolerance);
        if (!none) CHECK(std::fabs(sum - 1) < 4 * kTolerance);
      }
    }
  REQUIRE(margin > 1e-4);
  CHECK(left_out > 10);  // both happen here
  CHECK(several > 10);
  compare("O", run.O, O, 4 * kTolerance);
  compare("O with the weights that a probe saw", seen.O, O, 4 * kTolerance);
}

TEST_CASE("routing with one cluster is full attention over normalised q and k") {
  constexpr int64_t D = 24, H = 3, d = D / H;
  const bool causal = GENERATE(false, true);
  const Batch batch = batch_of({5, 1, 300, 33});
  const int64_t N = batch.size();
  Guarded qkv(N, 3 * D), same(N, 3 * D), dO(N, D);
  qkv.random(1), dO.random(2);
  for (int64_t i = 0; i < N; ++i)
    for (int64_t j = 0; j < 3 * D; ++j) same(i, j) = qkv(i, j);
  for (int64_t h = 0; h < H; ++h)
    for (int64_t part = 0; part < 2; ++part) {
      const Dense x = normalised(Dense((*qkv).columns((causal ? 0 : part) * D + h * d, d)));
      for (int64_t i = 0; i < N; ++i)
        for (int64_t j = 0; j < d; ++j) same(i, part * D + h * d + j) = Real(x(i, j));
    }
  AttentionSettings full;
  full.causal = causal;
  const CoreShape shape{"a", 0, H, D, 0};
  const CoreRun routed = run_core(shape, routing(causal, 1), batch, qkv, dO), want = run_core(shape, full, batch, same, dO);
  compare("O", routed.O, want.O, 4 * kTolerance);
  Dense dV(N, D), want_dV(N, D);
  for (int64_t i = 0; i < N; ++i)
    for (int64_t j = 0; j < D; ++j) dV(i, j) = routed.dqkv(i, 2 * D + j), want_dV(i, j) = want.dqkv(i, 2 * D + j);
  compare("dV", dV, want_dV, 8 * kTolerance);
}

TEST_CASE("self-attention, routing") {
  const bool causal = GENERATE(false, true);
  SelfAttention layer("blocks.4.attention", 4, {12, 2, routing(causal, 2), 0, Init::normal(0.1)});
  require_margins(layer, 12, 2, causal);
  test_layer(layer, 12, 12);
}

TEST_CASE("self-attention, routing, with dropout of the weights") {
  const bool causal = GENERATE(false, true);
  SelfAttention layer("blocks.4.attention", 4, {12, 2, routing(causal, 2), 0.4, Init::normal(0.1)});
  require_margins(layer, 12, 2, causal);
  test_layer(layer, 12, 12, true);
}

TEST_CASE("centroids move towards the mean of what was nearest to them") {
  constexpr int64_t D = 8, H = 2, d = 4, c = 3;
  const bool causal = GENERATE(false, true);
  const Batch batch = batch_of({6, 3});
  const auto core = make_attention_core({"a", 0, H, D, 0}, routing(causal, c, 0.75));
  Harness harness(*core, extent_for(9, 6));
  harness.load(batch);
  Guarded qkv(9, 3 * D), dqkv(9, 3 * D), dO(9, D);
  qkv.random(1), dO.random(2);
  const NamedState& state = harness.states()[0];
  CHECK(state.name == "a.centroids");
  CHECK(state.shape == std::vector<int64_t>{H, c, d});
  for (int64_t j = 0; j < d; ++j) state.value.row(2)[j] = 100;  // far from everything: nobody's nearest
  Step s = harness.step();
  core->forward(s, part_of(s, qkv, 0, H), part_of(s, qkv, 1, H), part_of(s, qkv, 2, H));
  core->backward(s, part_of(s, dqkv, 0, H), part_of(s, dqkv, 1, H), part_of(s, dqkv, 2, H), s.heads(dO, H));
  std::vector<Dense> before;
  for (int64_t h = 0; h < H; ++h) before.push_back(centroids_of(state, h));
  state.advance(harness.ops(), RngKey{7, 0, 1});
  for (int64_t h = 0; h < H; ++h) {
    Dense sum(c, d);
    std::vector<double> number(c, 0);
    for (int64_t part = 0; part < (causal ? 1 : 2); ++part) {
      const Dense x = normalised(Dense((*qkv).columns(part * D + h * d, d)));
      for (int64_t i = 0; i < 9; ++i) {
        int64_t nearest = 0;
        for (int64_t m = 1; m < c; ++m)
          if (distance(x, i, before[size_t(h)], m) < distance(x, i, before[size_t(h)], nearest)) nearest = m;
        ++number[size_t(nearest)];
        for (int64_t j = 0; j < d; ++j) sum(nearest, j) += x(i, j);
      }
    }
    Dense want = before[size_t(h)];
    for (int64_t m = 0; m < c; ++m)
      for (int64_t j = 0; j < d && number[size_t(m)] > 0; ++j)
        want(m, j) = 0.75 * want(m, j) + 0.25 * sum(m, j) / number[size_t(m)];
    compare("centroids", centroids_of(state, h), want, 4 * kTolerance);
    if (h == 0) CHECK(number[2] == 0);
  }
}

TEST_CASE("routing attention of large q and k is finite, also where all rows are the same") {
  const Batch batch = batch_of({70, 5});
  Guarded qkv(75, 36), dO(75, 12);
  qkv.random(1, 1e4), dO.random(2);
  for (int64_t i = 0; i < 20; ++i)
    for (int64_t j = 0; j < 24; ++j) qkv(i, j) = 3;
  for (const bool causal : {false, true}) {
    const CoreRun run = run_core({"a", 0, 3, 12, 0}, routing(causal, 6), batch, qkv, dO);
    for (double v : run.O.values) REQUIRE(std::isfinite(v));
    for (double v : run.dqkv.values) REQUIRE(std::isfinite(v));
  }
}

TEST_CASE("what a probe leaves of the weights of routing attention is used") {
  const Batch batch = batch_of({3, 7});
  Guarded qkv(10, 36), dO(10, 12);
  qkv.random(1), dO.random(2);
  FirstKeyOnly probe;
  const CoreRun run = run_core({"a", 0, 3, 12, 0}, routing(true, 3), batch, qkv, dO, false, &probe);
  for (int64_t i = 0; i < 10; ++i)
    for (int64_t j = 0; j < 12; ++j) CHECK(run.O(i, j) == double(qkv(i < 3 ? 0 : 3, 24 + j)));
}

TEST_CASE("memory of routing attention doubles with the length") {
  const CoreShape shape{"a", 0, 4, 128, 0};
  const auto planned = [&](int64_t T) {
    return double(planned_numbers(shape, routing(false, int64_t(std::ceil(std::sqrt(double(T))))), T));
  };
  for (int64_t T = 1024; T <= 4096; T *= 2) CHECK(planned(2 * T) <= 2.2 * planned(T));
}
