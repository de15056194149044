#include <cmath>

#include "layers/self_attention.h"
#include "support/layer_harness.h"

using namespace vitrine;

namespace {

constexpr int64_t D = 24, H = 3;

AttentionSettings settings_of(AttentionImplementation implementation, bool causal) {
  AttentionSettings s;
  s.implementation = implementation, s.causal = causal;
  return s;
}

// One core over a batch: O, and dQ, dK, dV side by side.
struct Outcome {
  Dense O, dqkv;
};
Outcome run(AttentionImplementation implementation, bool causal, double dropout, const Batch& batch, Tensor qkv, Tensor dO,
            Probe* probe = nullptr) {
  const auto core = make_attention_core({"blocks.4.attention", 4, H, D, dropout}, settings_of(implementation, causal));
  int64_t longest = 0;
  for (int64_t b = 0; b < batch.sequence_count(); ++b) longest = std::max(longest, batch.length(b));
  Harness harness(*core, extent_for(batch.size(), longest));
  harness.load(batch);
  Step s = harness.step(dropout > 0, probe);
  const auto part = [&](Tensor x, int64_t k) { return s.heads(x.columns(k * D, D), H); };
  const Dense O(core->forward(s, part(qkv, 0), part(qkv, 1), part(qkv, 2)).base);
  Guarded dqkv = Guarded(batch.size(), 3 * D).garbage();
  if (!probe) core->backward(s, part(dqkv, 0), part(dqkv, 1), part(dqkv, 2), s.heads(dO, H));
  CHECK(dqkv.intact());
  return {O, Dense(dqkv)};
}

// Makes every weight of the first key the whole of a row.
class FirstKey : public Probe {
 public:
  bool wants(std::string_view name) const override { return name == "blocks.4.attention.weights"; }
  void visit(std::string_view, const Place&, Values& values) override {
    std::vector<double> row(size_t(values.cols()), 0.0);
    for (int64_t i = 0; i < values.rows(); ++i) {
      values.read(i, 0, row);
      for (double w : row) sum += w;
      std::fill(row.begin(), row.end(), 0.0);
      row[0] = 1;
      values.write(i, 0, row);
    }
  }
  double sum = 0;
};

}  // namespace

// Lengths on both sides of the blocks that the kernel works in, 192 queries and 256 keys.
TEST_CASE("fused attention is dense attention") {
  const Batch batch = batch_of({5, 1, 33, 192, 193, 256, 257, 450});
  for (const bool causal : {false, true}) {
    for (const double dropout : {0.0, 0.25}) {
      CAPTURE(causal, dropout);
      Guarded qkv(batch.size(), 3 * D, 5), dO(batch.size(), D);
      qkv.random(1, 1.5), dO.random(2);
      const Outcome dense = run(AttentionImplementation::kDense, causal, dropout, batch, qkv, dO);
      const Outcome fused = run(AttentionImplementation::kFused, causal, dropout, batch, qkv, dO);
      const auto compare = [](const char* what, const Dense& got, const Dense& want) {
        double worst = 0, largest = 1;
        for (size_t i = 0; i < got.values.size(); ++i) {
          REQUIRE(std::isfinite(got.values[i]));
          worst = std::max(worst, std::fabs(got.values[i] - want.values[i]));
          largest = std::max(largest, std::fabs(want.values[i]));
        }
        CAPTURE(what, worst, largest);
        CHECK(worst <= 2 * kTolerance * largest);  // both of them round
      };
      compare("O", fused.O, dense.O);
      compare("dQ dK dV", fused.dqkv, dense.dqkv);
    }
  }
}

TEST_CASE("scores of 10^4 stay finite in fused attention") {
  const Batch batch = batch_of({300});
  Guarded qkv(batch.size(), 3 * D), dO(batch.size(), D);
  qkv.random(1, 300), dO.random(2);
  const Outcome fused = run(AttentionImplementation::kFused, false, 0, batch, qkv, dO);
  for (double v : fused.O.values) REQUIRE(std::isfinite(v));
  for (double v : fused.dqkv.values) REQUIRE(std::isfinite(v));
}

TEST_CASE("self-attention, fused") {
  SelfAttention layer("blocks.4.attention", 4,
                      {D, H, settings_of(AttentionImplementation::kFused, GENERATE(false, true)), 0, Init::normal(0.1)});
  test_layer(layer, D, D);
}

TEST_CASE("self-attention, fused, with dropout of the weights") {
  SelfAttention layer("blocks.4.attention", 4,
                      {D, H, settings_of(AttentionImplementation::kFused, GENERATE(false, true)), 0.4, Init::normal(0.1)});
  test_layer(layer, D, D, true);
}

TEST_CASE("a probe sees the weights that fused attention does not store, and what it leaves is used") {
  const Batch batch = batch_of({3, 7});
  Guarded qkv(batch.size(), 3 * D), dO(batch.size(), D);
  qkv.random(1), dO.random(2);
  FirstKey probe;
  const Outcome fused = run(AttentionImplementation::kFused, false, 0, batch, qkv, dO, &probe);
  CHECK(probe.sum == Approx(double(H * batch.size())));
  for (int64_t i = 0; i < batch.size(); ++i)
    for (int64_t j = 0; j < D; ++j) CHECK(fused.O(i, j) == double(qkv(i < 3 ? 0 : 3, 2 * D + j)));
}

TEST_CASE("memory of fused attention does not grow with the square of the length") {
  const auto bytes = [](AttentionImplementation implementation, int64_t longest) {
    const auto core = make_attention_core({"a", 0, H, D, 0}, settings_of(implementation, false));
    Plan plan;
    plan.extent = extent_for(2048, longest);
    core->plan(plan);
    return plan.activations.peak() + plan.gradients.peak();
  };
  CHECK(bytes(AttentionImplementation::kFused, 2048) == 2048 * (D + H));
  CHECK(bytes(AttentionImplementation::kFused, 64) == 2048 * (D + H));
  CHECK(bytes(AttentionImplementation::kAuto, 2048) == bytes(AttentionImplementation::kFused, 2048));
  CHECK(bytes(AttentionImplementation::kAuto, 64) == bytes(AttentionImplementation::kDense, 64));
}
