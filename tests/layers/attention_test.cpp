#include <cmath>

#include "layers/self_attention.h"
#include "support/layer_harness.h"

using namespace vitrine;

namespace {
constexpr int64_t D = 12, H = 3, d = D / H;

// Dense attention of one sequence and one head, from the formula alone.
struct Reference {
  Dense P, O;
};
Reference reference(const Dense& Q, const Dense& K, const Dense& V, bool causal) {
  const int64_t T = Q.rows;
  Reference r{Dense(T, T), Dense(T, d)};
  for (int64_t i = 0; i < T; ++i) {
    const int64_t keys = causal ? i + 1 : T;
    double sum = 0;
    for (int64_t j = 0; j < keys; ++j) {
      double score = 0;
      for (int64_t c = 0; c < d; ++c) score += Q(i, c) * K(j, c);
      sum += r.P(i, j) = std::exp(score / std::sqrt(double(d)));
    }
    for (int64_t j = 0; j < keys; ++j) {
      r.P(i, j) /= sum;
      for (int64_t c = 0; c < d; ++c) r.O(i, c) += r.P(i, j) * V(j, c);
    }
  }
  return r;
}

Dense tile(Tensor x, const Packing& packing, int64_t b, int64_t h) {
  return Dense(x.slice(packing.offset[size_t(b)], packing.length(b)).columns(h * d, d));
}

class WeightsProbe : public Probe {
 public:
  bool wants(std::string_view name) const override { return name.ends_with(".weights"); }
  void visit(std::string_view name, const Place& place, Values& values) override {
    CHECK(name == "blocks.4.attention.weights");
    places.push_back(place);
    std::vector<double> row(size_t(values.cols()));
    for (int64_t i = 0; i < values.rows(); ++i) {
      values.read(i, 0, row);
      weights.insert(weights.end(), row.begin(), row.end());
    }
  }
  std::vector<Place> places;
  std::vector<double> weights;
};
}  // namespace

TEST_CASE("dense attention equals the formula") {
  const bool causal = GENERATE(false, true);
  CAPTURE(causal);
  const std::vector<int64_t> lengths{5, 1, 33, 2};
  const Batch batch = batch_of(lengths);
  const int64_t N = batch.size();
  AttentionSettings settings;
  settings.causal = causal;
  const auto core = make_attention_core({"blocks.4.attention", 4, H, D, 0}, settings);
  Harness harness(*core, extent_for(N, 33));
  harness.load(batch);
  Guarded qkv(N, 3 * D);
  qkv.random(1, 1.5);
  WeightsProbe probe;
  Step s = harness.step(false, &probe);
  const Tensor Q = (*qkv).columns(0, D), K = (*qkv).columns(D, D), V = (*qkv).columns(2 * D, D);
  const Tiles O = core->forward(s, s.heads(Q, H), s.heads(K, H), s.heads(V, H));

  const Packing& packing = s.in.packing;
  REQUIRE(probe.places.size() == lengths.size() * size_t(H));
  size_t at = 0;
  for (int64_t b = 0; b < packing.sequences(); ++b)
    for (int64_t h = 0; h < H; ++h) {
      const Reference want = reference(tile(Q, packing, b, h), tile(K, packing, b, h), tile(V, packing, b, h), causal);
      check_close("O", O(b, h), want.O);
      const Place& place = probe.places[size_t(b * H + h)];
      CHECK(place.first_row == packing.offset[size_t(b)]);
      CHECK(place.first_sequence == b);
      CHECK(place.head == h);
      const int64_t T = packing.length(b);
      for (int64_t i = 0; i < T; ++i) {
        double sum = 0;
        for (int64_t j = 0; j < T; ++j, ++at) {
          sum += probe.weights[at];
          CHECK(probe.weights[at] == Approx(want.P(i, j)).margin(1e-6));
          if (causal && j > i) CHECK(probe.weights[at] == 0);
        }
        CHECK(sum == Approx(1));
      }
    }
}

TEST_CASE("a probe that changes the weights changes what is attended to") {
  struct Cut : Probe {  // every query looks at key 0 only
    bool wants(std::string_view name) const override { return name.ends_with(".weights"); }
    void visit(std::string_view, const Place&, Values& values) override {
      std::vector<double> row(size_t(values.cols()), 0);
      row[0] = 1;
      for (int64_t i = 0; i < values.rows(); ++i) values.write(i, 0, row);
    }
  } cut;
  const auto core = make_attention_core({"blocks.0.attention", 0, H, D, 0}, {});
  Harness harness(*core, extent_for(9, 9));
  harness.load(batch_of({4, 5}));
  Guarded qkv(9, 3 * D);
  qkv.random(2);
  Step s = harness.step(false, &cut);
  const Tensor V = (*qkv).columns(2 * D, D);
  const Tiles O = core->forward(s, s.heads((*qkv).columns(0, D), H), s.heads((*qkv).columns(D, D), H), s.heads(V, H));
  for (int64_t i = 0; i < 9; ++i)
    for (int64_t c = 0; c < D; ++c) CHECK(O.base.row(i)[c] == Approx(V.row(i < 4 ? 0 : 4)[c]));
}

TEST_CASE("logits of ±1e4 give finite weights and gradients") {
  const auto core = make_attention_core({"blocks.0.attention", 0, H, D, 0}, {});
  Harness harness(*core, extent_for(6, 6));
  harness.load(batch_of({6}));
  Guarded qkv(6, 3 * D), dqkv(6, 3 * D), dO(6, D);
  qkv.random(3, 100), dO.random(4);
  Step s = harness.step();
  const auto part = [&](const Guarded& x, int64_t k) { return s.heads((*x).columns(k * D, D), H); };
  const Tiles O = core->forward(s, part(qkv, 0), part(qkv, 1), part(qkv, 2));
  core->backward(s, part(dqkv, 0), part(dqkv, 1), part(dqkv, 2), s.heads(dO, H));
  for (Real v : copy_of(O.base)) CHECK(std::isfinite(v));
  for (Real v : copy_of(dqkv)) CHECK(std::isfinite(v));
}
