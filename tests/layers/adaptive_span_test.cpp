#include <cmath>

#include "layers/self_attention.h"
#include "support/layer_harness.h"

using namespace vitrine;

namespace {

constexpr int64_t D = 12, H = 3, d = D / H;

AttentionSettings span(int64_t most, double ramp, double initial, bool causal = false, double penalty = 0) {
  AttentionSettings s;
  s.kind = AttentionKind::kAdaptiveSpan, s.causal = causal;
  s.max_span = most, s.ramp = ramp, s.initial = initial, s.penalty = penalty;
  return s;
}

// One core over a batch, with these spans: O, dQ, dK and dV, dz, and the weights.
struct Outcome {
  Dense O, dqkv;
  std::vector<double> dz, weights;
};
Outcome run(const AttentionSettings& settings, const std::vector<double>& z, const Batch& batch, Tensor qkv, Tensor dO,
            bool training = false, bool look = false) {
  struct Look : Probe {
    bool wants(std::string_view name) const override { return name.ends_with(".weights"); }
    void visit(std::string_view, const Place&, Values& values) override {
      std::vector<double> row(size_t(values.cols()));
      for (int64_t i = 0; i < values.rows(); ++i) {
        values.read(i, 0, row);
        all.insert(all.end(), row.begin(), row.end());
      }
    }
    std::vector<double> all;
  } probe;
  const auto core = make_attention_core({"blocks.4.attention", 4, H, D, 0}, settings);
  Harness harness(*core, extent_for(batch.size(), 40));
  harness.load(batch);
  if (!z.empty())
    for (int64_t h = 0; h < H; ++h) harness.parameters()[0].at.value.row(0)[h] = Real(z[size_t(h)]);
  Step s = harness.step(training, look ? &probe : nullptr);
  const auto part = [&](Tensor x, int64_t k) { return s.heads(x.columns(k * D, D), H); };
  const Dense O(core->forward(s, part(qkv, 0), part(qkv, 1), part(qkv, 2)).base);
  Guarded dqkv = Guarded(batch.size(), 3 * D).garbage();
  core->backward(s, part(dqkv, 0), part(dqkv, 1), part(dqkv, 2), s.heads(dO, H));
  CHECK(dqkv.intact());
  std::vector<double> dz;
  if (!z.empty())
    for (int64_t h = 0; h < H; ++h) dz.push_back(double(harness.parameters()[0].at.grad.row(0)[h]));
  return {O, Dense(dqkv), dz, probe.all};
}

struct Drawn {
  explicit Drawn(int64_t N) : qkv(N, 3 * D, 5), dO(N, D) { qkv.random(1, 1.5), dO.random(2); }
  Guarded qkv, dO;
};

}  // namespace

TEST_CASE("adaptive span equals the formula, and shows the weights that it uses") {
  const std::vector<int64_t> lengths{5, 1, 33, 2};
  const Batch batch = batch_of(lengths);
  const Drawn in(batch.size());
  const std::vector<double> z{0, 3.3, 20};
  const double R = GENERATE(1.0, 4.5);
  const AttentionSettings settings = span(20, R, 1, GENERATE(false, true));
  CAPTURE(R, settings.causal);
  const Outcome got = run(settings, z, batch, in.qkv, in.dO), seen = run(settings, z, batch, in.qkv, in.dO, false, true);
  size_t at = 0;
  for (size_t b = 0, first = 0; b < lengths.size(); first += size_t(lengths[b]), ++b)
    for (int64_t h = 0; h < H; ++h)
      for (int64_t i = 0; i < lengths[b]; ++i) {
        const int64_t T = lengths[b], row = int64_t(first) + i;
        std::vector<double> p(static_cast<size_t>(T)), o(static_cast<size_t>(d));
        double sum = 0, shown = 0;
        for (int64_t j = 0; j < (settings.causal ? i + 1 : T); ++j) {
          double score = 0;
          for (int64_t c = h * d; c < (h + 1) * d; ++c)
            score += double(in.qkv(row, c)) * double(in.qkv(int64_t(first) + j, D + c));
          const double m = std::clamp((R + z[size_t(h)] - std::fabs(double(i - j))) / R, 0.0, 1.0);
          sum += p[size_t(j)] = m * std::exp(score / std::sqrt(double(d)));
        }
        for (int64_t j = 0; j < T; ++j, ++at) {
          p[size_t(j)] /= sum;
          CHECK(std::fabs(seen.weights[at] - p[size_t(j)]) < 20 * kTolerance);
          CHECK((p[size_t(j)] > 0 || seen.weights[at] == 0));
          shown += seen.weights[at];
          for (int64_t c = 0; c < d; ++c) o[size_t(c)] += p[size_t(j)] * double(in.qkv(int64_t(first) + j, 2 * D + h * d + c));
        }
        CHECK(shown == Approx(1));
        for (int64_t c = 0; c < d; ++c) {
          CHECK(std::fabs(got.O(row, h * d + c) - o[size_t(c)]) < 20 * kTolerance);
          CHECK(std::fabs(seen.O(row, h * d + c) - o[size_t(c)]) < 20 * kTolerance);
        }
      }
}

TEST_CASE("a span that reaches everything is full attention") {
  const Batch batch = batch_of({5, 1, 33});
  const Drawn in(batch.size());
  for (const bool causal : {false, true}) {
    AttentionSettings full;
    full.causal = causal, full.implementation = AttentionImplementation::kDense;
    const Outcome want = run(full, {}, batch, in.qkv, in.dO);
    const Outcome got = run(span(40, 3, 1, causal), {33, 32, 1000}, batch, in.qkv, in.dO);  // 1000 is read as 40
    for (size_t k = 0; k < want.O.values.size(); ++k) CHECK(got.O.values[k] == Approx(want.O.values[k]).margin(20 * kTolerance));
    for (size_t k = 0; k < want.dqkv.values.size(); ++k)
      CHECK(got.dqkv.values[k] == Approx(want.dqkv.values[k]).margin(50 * kTolerance));
    CHECK(got.dz == std::vector<double>{0, 0, 0});
  }
}

// Where o = z or o = z + R the mask bends; the spans of the harness are at least 1e-2 away.
TEST_CASE("self-attention with an adaptive span") {
  const bool causal = GENERATE(false, true);
  const double dropout = GENERATE(0.0, 0.3), initial = GENERATE(0.6, 1.6);
  CAPTURE(causal, dropout, initial);
  SelfAttention layer("attention", 0, {D, H, span(6, 1.5, initial, causal), dropout, Init::normal(0.1)});
  Harness harness(layer, extent_for(20, 9));
  for (const NamedParameter& p : harness.parameters()) {
    if (p.name != "attention.span.weight") continue;
    for (int64_t h = 0; h < H; ++h) {
      const double twice = 2 * double(p.at.value.row(0)[h]);  // R is a half: both bends are where this is whole
      REQUIRE(std::fabs(twice - std::round(twice)) >= 2e-2);
    }
  }
  test_layer(layer, D, D, dropout > 0);
}

TEST_CASE("the penalty of a span: in training, once a step, and not where the span is at its end") {
  Batch batch = batch_of({9, 7});
  const Drawn in(batch.size());
  const std::vector<double> z{1.3, 2.7, 3.3};
  const auto dz = [&](double penalty, bool training) {
    return run(span(6, 2, 1, false, penalty), z, batch, in.qkv, in.dO, training).dz;
  };
  const std::vector<double> without = dz(0, true), with = dz(0.25, true), evaluating = dz(0.25, false);
  for (size_t h = 0; h < size_t(H); ++h) {
    CHECK(with[h] == Approx(without[h] + 0.25).epsilon(1e-5));
    CHECK(evaluating[h] == without[h]);
  }
  const std::vector<double> ends = run(span(6, 2, 1, false, 100), {-0.5, 0, 7}, batch, in.qkv, in.dO, true).dz;
  CHECK(ends[0] == 0);
  CHECK(ends[1] == 0);
  CHECK(ends[2] > 50);

  Batch second;  // a micro-batch that does not hold the first token of its batch
  batch.slice(1, 2, second);
  const auto core = make_attention_core({"a", 0, H, D, 0}, span(6, 2, 3.3, false, 100));
  Harness harness(*core, extent_for(16, 16));
  harness.load(second);
  Step s = harness.step(true);
  REQUIRE(s.in.first_row == 9);
  Guarded dqkv(7, 3 * D);
  const auto part = [&](Tensor x, int64_t k) { return s.heads(x.columns(k * D, D).top(7), H); };
  core->forward(s, part(in.qkv, 0), part(in.qkv, 1), part(in.qkv, 2));
  core->backward(s, part(dqkv, 0), part(dqkv, 1), part(dqkv, 2), s.heads((*in.dO).top(7), H));
  for (int64_t h = 0; h < H; ++h) CHECK(std::fabs(double(harness.parameters()[0].at.grad.row(0)[h])) < 20);
}

TEST_CASE("memory of an adaptive span doubles with the length, but for its masks") {
  const auto numbers = [](int64_t T) {
    const auto core = make_attention_core({"a", 0, H, D, 0.1}, span(100, 32, 0));
    Plan plan;
    plan.extent = extent_for(T, T);
    core->plan(plan);
    return plan.activations.peak() + plan.gradients.peak() - 2 * H * (2 * 132 + 1);
  };
  for (int64_t T = 1024; T <= 8192; T *= 2) CHECK(std::abs(numbers(2 * T) - 2 * numbers(T)) <= 64);  // arenas round up
}
