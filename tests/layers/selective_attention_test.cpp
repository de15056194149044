#include <algorithm>
#include <cmath>

#include "layers/self_attention.h"
#include "support/layer_harness.h"

using namespace vitrine;

namespace {

constexpr int64_t D = 12, H = 3, d = D / H;

AttentionSettings top_k(int64_t k, bool causal = false) {
  AttentionSettings s;
  s.kind = AttentionKind::kTopK, s.k = k, s.causal = causal;
  return s;
}
AttentionSettings entmax(double alpha, bool causal = false) {  // 0: learned
  AttentionSettings s;
  s.kind = AttentionKind::kEntmax, s.alpha = alpha, s.causal = causal;
  return s;
}
AttentionSettings full(bool causal) {
  AttentionSettings s;
  s.causal = causal, s.implementation = AttentionImplementation::kDense;
  return s;
}

// Queries, keys and weights of a layer.
struct Look : Probe {
  bool wants(std::string_view name) const override {
    return name.ends_with(".query") || name.ends_with(".key") || name.ends_with(".weights");
  }
  void visit(std::string_view name, const Place&, Values& values) override {
    std::vector<double>& out = name.ends_with(".query") ? q : name.ends_with(".key") ? k : weights;
    std::vector<double> row(size_t(values.cols()));
    for (int64_t i = 0; i < values.rows(); ++i) {
      values.read(i, 0, row);
      out.insert(out.end(), row.begin(), row.end());
    }
  }
  std::vector<double> q, k, weights;
};

// How far the numbers of test_layer() are from where another key is selected: the smallest gap between scores number k and k + 1 of a
// row, or the smallest |(α − 1) s − τ|, with τ from the weights that are not 0.
double margin_of(SelfAttention& layer, const AttentionSettings& settings, double alpha) {
  const std::vector<int64_t> lengths{5, 1, 3};
  Harness harness(layer, extent_for(20, 9));
  harness.load(batch_of(lengths));
  Guarded x(9, D);
  x.random(3);
  Look look;
  Step s = harness.step(false, &look);
  layer.forward(s, x);
  double margin = 1;
  size_t at = 0;
  for (int64_t b = 0, first = 0; b < 3; first += lengths[size_t(b)], ++b)
    for (int64_t h = 0; h < H; ++h)
      for (int64_t i = 0; i < lengths[size_t(b)]; ++i, at += size_t(lengths[size_t(b)])) {
        std::vector<double> scores;
        for (int64_t j = 0; j < (settings.causal ? i + 1 : lengths[size_t(b)]); ++j) {
          double sum = 0;
          for (int64_t c = h * d; c < (h + 1) * d; ++c)
            sum += look.q[size_t((first + i) * D + c)] * look.k[size_t((first + j) * D + c)];
          scores.push_back(sum / std::sqrt(double(d)));
        }
        if (settings.kind == AttentionKind::kTopK) {
          std::sort(scores.begin(), scores.end(), std::greater<>());
          if (std::ssize(scores) > settings.k)
            margin = std::min(margin, scores[size_t(settings.k) - 1] - scores[size_t(settings.k)]);
          continue;
        }
        const size_t top = size_t(std::max_element(scores.begin(), scores.end()) - scores.begin());
        const double tau = (alpha - 1) * scores[top] - std::pow(look.weights[at + top], alpha - 1);
        for (double score : scores) margin = std::min(margin, std::fabs((alpha - 1) * score - tau));
      }
  return margin;
}

struct Outcome {
  Dense O, dqkv;
};
Outcome run(const AttentionSettings& settings, const Batch& batch, Tensor qkv, Tensor dO, Probe* probe = nullptr) {
  const auto core = make_attention_core({"blocks.4.attention", 4, H, D, 0}, settings);
  Harness harness(*core, extent_for(batch.size(), 40));
  harness.load(batch);
  Step s = harness.step(false, probe);
  const auto part = [&](Tensor x, int64_t k) { return s.heads(x.columns(k * D, D), H); };
  const Dense O(core->forward(s, part(qkv, 0), part(qkv, 1), part(qkv, 2)).base);
  Guarded dqkv = Guarded(batch.size(), 3 * D).garbage();
  core->backward(s, part(dqkv, 0), part(dqkv, 1), part(dqkv, 2), s.heads(dO, H));
  CHECK(dqkv.intact());
  return {O, Dense(dqkv)};
}

}  // namespace

TEST_CASE("self-attention over the k largest scores") {
  const bool causal = GENERATE(false, true);
  const int64_t k = GENERATE(1, 2, 9);
  CAPTURE(causal, k);
  SelfAttention layer("attention", 0, {D, H, top_k(k, causal), 0, Init::normal(0.1)});
  if (kDouble) REQUIRE(margin_of(layer, top_k(k, causal), 0) >= 1e-3);
  test_layer(layer, D, D);
}

TEST_CASE("self-attention by entmax, fixed and learned") {
  const bool causal = GENERATE(false, true);
  const double alpha = GENERATE(1.1, 1.3, 1.5, 2.0, 0.0);
  CAPTURE(causal, alpha);
  SelfAttention layer("attention", 0, {D, H, entmax(alpha, causal), 0, Init::normal(0.1)});
  if (kDouble && alpha > 0) REQUIRE(margin_of(layer, entmax(alpha, causal), alpha) >= 1e-3);
  test_layer(layer, D, D);
}

TEST_CASE("self-attention by entmax and over the k largest scores, with dropout of the weights") {
  for (const AttentionSettings& settings : {top_k(2), entmax(1.3), entmax(0, true)})
    DYNAMIC_SECTION(int(settings.kind) << settings.alpha) {
      SelfAttention layer("attention", 0, {D, H, settings, 0.3, Init::normal(0.1)});
      test_layer(layer, D, D, true);
    }
}

TEST_CASE("as many keys as there are is full attention") {
  const Batch batch = batch_of({5, 1, 33});
  Guarded qkv(batch.size(), 3 * D, 5), dO(batch.size(), D);
  qkv.random(1, 1.5), dO.random(2);
  for (const bool causal : {false, true})
    for (const int64_t k : {33, 1000}) {
      const Outcome want = run(full(causal), batch, qkv, dO), got = run(top_k(k, causal), batch, qkv, dO);
      for (size_t n = 0; n < want.O.values.size(); ++n)
        CHECK(got.O.values[n] == Approx(want.O.values[n]).margin(20 * kTolerance));
      for (size_t n = 0; n < want.dqkv.values.size(); ++n)
        CHECK(got.dqkv.values[n] == Approx(want.dqkv.values[n]).margin(50 * kTolerance));
    }
}

TEST_CASE("the weights of entmax and of the k largest scores are shown as they are used") {
  const std::vector<int64_t> lengths{5, 1, 33};
  const Batch batch = batch_of(lengths);
  Guarded qkv(batch.size(), 3 * D, 5), dO(batch.size(), D);
  qkv.random(1, 3), dO.random(2);
  for (const AttentionSettings& settings : {top_k(4), top_k(4, true), entmax(1.5), entmax(2, true), entmax(0)}) {
    Look look;
    const Outcome got = run(settings, batch, qkv, dO, &look);
    int64_t zeros = 0;
    size_t at = 0;
    for (size_t b = 0, first = 0; b < lengths.size(); first += size_t(lengths[b]), ++b)
      for (int64_t h = 0; h < H; ++h)
        for (int64_t i = 0; i < lengths[b]; ++i) {
          double sum = 0;
          std::vector<double> o(static_cast<size_t>(d));
          int64_t kept = 0;
          for (int64_t j = 0; j < lengths[b]; ++j, ++at) {
            const double w = look.weights[at];
            if (settings.causal && j > i) CHECK(w == 0);
            sum += w, kept += w > 0, zeros += w == 0;
            for (int64_t c = 0; c < d; ++c) o[size_t(c)] += w * double(qkv(int64_t(first) + j, 2 * D + h * d + c));
          }
          if (settings.kind == AttentionKind::kTopK) CHECK(kept <= 4);
          CHECK(sum == Approx(1).epsilon(1e-6));
          for (int64_t c = 0; c < d; ++c)
            CHECK(got.O(int64_t(first) + i, h * d + c) == Approx(o[size_t(c)]).margin(20 * kTolerance));
        }
    CHECK(zeros > 1000);
  }
}
