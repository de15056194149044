#include <cmath>
#include <functional>
#include <map>

#include "layers/attention/core.h"
#include "layers/position/formulas.h"
#include "model/encoder.h"
#include "support/layer_harness.h"

using namespace vitrine;

namespace {

constexpr int64_t D = 18, H = 3, d = D / H;
const char* const kName = "blocks.4.attention";

struct Scheme {
  const char* name;
  PositionSettings settings;
};
std::vector<Scheme> schemes() {
  const auto of = [](PositionKind kind) { return PositionSettings{.kind = kind}; };
  std::vector<Scheme> all{{"rotary", of(PositionKind::kRotary)},
                          {"rotary, part of a head", of(PositionKind::kRotary)},
                          {"alibi", of(PositionKind::kAlibi)},
                          {"t5_bias", of(PositionKind::kT5Bias)},
                          {"shaw", of(PositionKind::kShaw)},
                          {"shaw, with values", of(PositionKind::kShaw)},
                          {"disentangled", of(PositionKind::kDisentangled)}};
  all[0].settings.base = 50;
  all[1].settings.width = 4;
  all[3].settings.buckets = 8, all[3].settings.max_distance = 6;
  all[4].settings.distance = 2, all[5].settings.distance = 2, all[5].settings.values = true;
  all[6].settings.distance = 2;
  return all;
}

// Attention without its projections: x [N,3D] holds Q, K, V, y [N,D] is O.
class Attention : public Layer {
 public:
  explicit Attention(const PositionSettings& position, bool causal = false, double dropout = 0)
      : Attention(position, AttentionSettings{.causal = causal}, dropout) {}
  Attention(const PositionSettings& position, const AttentionSettings& settings, double dropout)
      : shared_(position, D, H), position_(make_relative_position(kName, D, H, shared_)) {
    core_ = make_attention_core({kName, 4, H, D, dropout, 0, position_.get()}, settings);
  }
  void plan(Plan& p) override {
    shared_.plan(p), position_->plan(p), core_->plan(p);
    qkv_ = p.activations.take(p.extent.tokens, 3 * D), dqkv_ = p.gradients.take(p.extent.tokens, 3 * D);
  }
  Tensor forward(Step& s, Tensor x) override {
    const Tensor qkv = qkv_.top(x.rows);
    s.ops.copy(qkv, x);  // rotary works in place
    position_->prepare(s, part(s, qkv, 0), part(s, qkv, 1));
    return core_->forward(s, part(s, qkv, 0), part(s, qkv, 1), part(s, qkv, 2)).base;
  }
  Tensor backward(Step& s, Tensor dy) override {
    const Tensor dqkv = dqkv_.top(dy.rows);
    core_->backward(s, part(s, dqkv, 0), part(s, dqkv, 1), part(s, dqkv, 2), s.heads(dy, H));
    position_->finish(s, part(s, dqkv, 0), part(s, dqkv, 1));
    return dqkv;
  }

 private:
  static Tiles part(const Step& s, Tensor x, int64_t k) { return s.heads(x.columns(k * D, D), H); }
  SharedPosition shared_;
  std::unique_ptr<RelativePosition> position_;
  std::unique_ptr<AttentionCore> core_;
  Tensor qkv_, dqkv_;
};

std::map<std::string, Dense> parameters_of(const Harness& harness) {
  std::map<std::string, Dense> all;
  for (const NamedParameter& p : harness.parameters()) all.emplace(p.name, Dense(p.at.value));
  return all;
}

int64_t clip(int64_t x, int64_t low, int64_t high) { return x < low ? low : x > high ? high : x; }

// The weights and outputs of one sequence and head, from the papers' formulas alone.
struct Reference {
  Dense P, O;
};
Reference reference(const PositionSettings& how, const std::map<std::string, Dense>& w, const Dense& qkv, int64_t h,
                    bool causal) {
  const int64_t T = qkv.rows, k = how.distance;
  const auto at = [&](int64_t which, int64_t t, int64_t c) { return qkv(t, which * D + h * d + c); };
  const auto dot = [&](const std::function<double(int64_t)>& x, const std::function<double(int64_t)>& y) {
    double sum = 0;
    for (int64_t c = 0; c < d; ++c) sum += x(c) * y(c);
    return sum;
  };
  // Projected embeddings of offsets, disentangled: [2k,D].
  const auto projected = [&](int64_t row, int64_t out, const char* which) {
    const Dense &p = w.at("position.relative.weight"), &W = w.at(std::string(kName) + which + ".weight");
    double sum = which == std::string(".position_query") ? w.at(std::string(kName) + which + ".bias")(0, out) : 0;
    for (int64_t c = 0; c < D; ++c) sum += p(row, c) * W(out, c);
    return sum;
  };
  const auto score = [&](int64_t i, int64_t j) {
    const auto q = [&](int64_t c) { return at(0, i, c); };
    const auto key = [&](int64_t c) { return at(1, j, c); };
    const double root = std::sqrt(double(d)), qk = dot(q, key);
    switch (how.kind) {
      case PositionKind::kRotary: {  // Re(q e^(iθi) · conj(k e^(iθj))): only the difference of the angles counts
        const int64_t width = how.width > 0 ? how.width : d;
        double sum = 0;
        for (int64_t c = 0; c < d; c += 2) {
          const double angle = c < width ? double(i - j) / std::pow(how.base, double(c) / double(width)) : 0;
          sum += (q(c) * key(c) + q(c + 1) * key(c + 1)) * std::cos(angle) +
                 (q(c) * key(c + 1) - q(c + 1) * key(c)) * std::sin(angle);
        }
        return sum / root;
      }
      case PositionKind::kAlibi: {  // H = 3: two heads as of 2, then the first of 4
        const double slopes[] = {1.0 / 16, 1.0 / 256, 1.0 / 4};
        return qk / root - slopes[h] * double(std::abs(i - j));
      }
      case PositionKind::kT5Bias: {  // 8 buckets, up to 6: offsets 0, −1, −2…−3, −4…; 1, 2…3, 4…
        const int64_t r = j - i, distance = std::abs(r);
        const int64_t bucket = (r > 0 ? 4 : 0) + (distance < 2 ? distance : distance < 4 ? 2 : 3);
        return qk / root + w.at("position.bias.weight")(bucket, h);
      }
      case PositionKind::kShaw: {
        const Dense& a = w.at(std::string(kName) + ".relative_key.weight");
        return (qk + dot(q, [&](int64_t c) { return a(clip(j - i, -k, k) + k, c); })) / root;
      }
      default: {
        const auto key_of = [&](int64_t c) { return projected(clip(i - j + k, 0, 2 * k - 1), h * d + c, ".position_key"); };
        const auto query_of = [&](int64_t c) { return projected(clip(j - i + k, 0, 2 * k - 1), h * d + c, ".position_query"); };
        return (qk + dot(q, key_of) + dot(key, query_of)) / std::sqrt(3.0 * double(d));
      }
    }
  };
  Reference r{Dense(T, T), Dense(T, d)};
  for (int64_t i = 0; i < T; ++i) {
    const int64_t keys = causal ? i + 1 : T;
    double sum = 0;
    for (int64_t j = 0; j < keys; ++j) sum += r.P(i, j) = std::exp(score(i, j));
    for (int64_t j = 0; j < keys; ++j) {
      r.P(i, j) /= sum;
      for (int64_t c = 0; c < d; ++c) {
        const double b = how.values ? w.at(std::string(kName) + ".relative_value.weight")(clip(j - i, -k, k) + k, c) : 0;
        r.O(i, c) += r.P(i, j) * (at(2, j, c) + b);
      }
    }
  }
  return r;
}

// The weights of every sequence and head, in order.
class Weights : public Probe {
 public:
  bool wants(std::string_view name) const override { return name.ends_with(".weights"); }
  void visit(std::string_view, const Place&, Values& values) override {
    Dense P(values.rows(), values.cols());
    for (int64_t i = 0; i < P.rows; ++i) values.read(i, 0, std::span(P.values).subspan(size_t(i * P.cols), size_t(P.cols)));
    tiles.push_back(P);
  }
  std::vector<Dense> tiles;
};

}  // namespace

TEST_CASE("every relative position scheme equals its paper's formula") {
  for (const auto& [name, settings] : schemes())
    for (const bool causal : {false, true}) {
      CAPTURE(name, causal);
      Attention attention(settings, causal);
      const Batch batch = batch_of({5, 1, 12, 2});
      Harness harness(attention, extent_for(batch.size(), 13));  // longer than any: column L − 1 is offset 0
      harness.load(batch);
      Guarded x(batch.size(), 3 * D);
      x.random(1, 1.5);
      Weights probe;
      Step s = harness.step(false, &probe);
      const Tensor O = attention.forward(s, x);
      const auto parameters = parameters_of(harness);
      REQUIRE(probe.tiles.size() == size_t(4 * H));
      for (int64_t b = 0; b < 4; ++b)
        for (int64_t h = 0; h < H; ++h) {
          const int64_t first = batch.offsets[size_t(b)], T = batch.length(b);
          const Reference want = reference(settings, parameters, Dense((*x).slice(first, T)), h, causal);
          check_close("O", O.slice(first, T).columns(h * d, d), want.O);
          const Dense& P = probe.tiles[size_t(b * H + h)];
          REQUIRE(P.rows == T);
          for (int64_t i = 0; i < T; ++i)
            for (int64_t j = 0; j < T; ++j) {
              CHECK(P(i, j) == Approx(want.P(i, j)).margin(1e-6));
              if (causal && j > i) CHECK(P(i, j) == 0);
            }
        }
    }
}

TEST_CASE("relative positions: gradients, ragged batches, isolation") {
  const size_t k = GENERATE(range(size_t{0}, size_t{7}));
  const bool causal = GENERATE(false, true);
  const double dropout = GENERATE(0.0, 0.4);
  const auto [name, settings] = schemes()[k];
  CAPTURE(name, causal, dropout);
  Attention layer(settings, causal, dropout);
  test_layer(layer, 3 * D, D, dropout > 0);
}

TEST_CASE("relative positions in fused attention: gradients, ragged batches, isolation") {
  const size_t k = GENERATE(range(size_t{0}, size_t{4}));
  const bool causal = GENERATE(false, true);
  const auto [name, settings] = schemes()[k];
  CAPTURE(name, causal);
  const AttentionSettings fused{.causal = causal, .implementation = AttentionImplementation::kFused};
  Attention layer(settings, fused, 0.3);
  test_layer(layer, 3 * D, D, true);
}

// Lengths on both sides of the kernel's blocks; the weights that a probe sees, outputs and all gradients.
TEST_CASE("relative positions in fused attention are those in dense attention") {
  const auto kind = GENERATE(AttentionKind::kFull, AttentionKind::kLocal, AttentionKind::kBlockSparse);
  const bool causal = GENERATE(false, true);
  const Batch batch = batch_of({5, 1, 193, 258});
  for (const size_t k : {0, 1, 2, 3}) {
    const auto [name, position] = schemes()[k];
    CAPTURE(name, int(kind), causal);
    struct Outcome {
      Dense O, dqkv;
      std::vector<Dense> weights;
      std::vector<Real> gradients;
    };
    const auto run = [&, position = position](AttentionImplementation implementation) {
      const AttentionSettings settings{.kind = kind,
                                       .causal = causal,
                                       .implementation = implementation,
                                       .window = {kind == AttentionKind::kLocal ? 7 : 1},
                                       .global = 3};
      Attention attention(position, settings, 0);
      Harness harness(attention, extent_for(batch.size(), 260));
      harness.load(batch);
      Guarded x(batch.size(), 3 * D), dy(batch.size(), D);
      x.random(1, 1.5), dy.random(2);
      Weights probe;
      Step s = harness.step(), looking = harness.step(false, &probe);
      attention.forward(looking, x);
      const Dense O(attention.forward(s, x)), dqkv(attention.backward(s, dy));
      return Outcome{O, dqkv, probe.tiles, harness.gradient_buffer()};
    };
    const Outcome dense = run(AttentionImplementation::kDense), fused = run(AttentionImplementation::kFused);
    const auto compare = [](const char* what, const auto& got, const auto& want) {
      REQUIRE(got.size() == want.size());
      double worst = 0, largest = 1;
      for (size_t i = 0; i < got.size(); ++i) {
        REQUIRE(std::isfinite(got[i]));
        worst = std::max(worst, std::fabs(double(got[i]) - double(want[i])));
        largest = std::max(largest, std::fabs(double(want[i])));
      }
      CAPTURE(what, worst, largest);
      CHECK(worst <= 2 * kTolerance * largest);  // both of them round
    };
    compare("O", fused.O.values, dense.O.values);
    compare("dQ dK dV", fused.dqkv.values, dense.dqkv.values);
    compare("parameters", fused.gradients, dense.gradients);
    REQUIRE(fused.weights.size() == dense.weights.size());
    for (size_t i = 0; i < fused.weights.size(); ++i) compare("P", fused.weights[i].values, dense.weights[i].values);
  }
}

TEST_CASE("an adaptive span and rotary positions act together") {
  const PositionSettings rotary{.kind = PositionKind::kRotary};
  AttentionSettings span{.kind = AttentionKind::kAdaptiveSpan};
  span.max_span = 6, span.ramp = 1.5, span.initial = 0.6, span.penalty = 0;
  Attention layer(rotary, span, 0);
  Harness harness(layer, extent_for(20, 9));
  const Batch batch = batch_of({9, 7});
  harness.load(batch);
  Guarded x(batch.size(), 3 * D), dy(batch.size(), D);
  x.random(1), dy.random(2);
  Step s = harness.step();
  const Dense near(layer.forward(s, x));
  layer.backward(s, dy);
  CHECK(harness.largest_gradient() > 1e-3);  // the span is the only parameter
  Attention all(rotary, AttentionSettings(), 0);
  Harness other(all, extent_for(20, 9));
  other.load(batch);
  Step t = other.step();
  const Dense far(all.forward(t, x));
  double apart = 0;
  for (size_t i = 0; i < near.values.size(); ++i) apart = std::max(apart, std::fabs(near.values[i] - far.values[i]));
  CHECK(apart > 0.1);
  test_layer(layer, 3 * D, D);
}

// Whatever makes weights of scores: with all keys among the k largest it is softmax.
TEST_CASE("relative positions act on the scores of every kind that stores them") {
  const Batch batch = batch_of({5, 1, 12});
  for (const auto& [name, position] : schemes()) {
    CAPTURE(name);
    const auto run = [&, position = position](AttentionSettings settings) {
      Attention attention(position, settings, 0);
      Harness harness(attention, extent_for(batch.size(), 12));
      harness.load(batch);
      Guarded x(batch.size(), 3 * D), dy(batch.size(), D);
      x.random(1), dy.random(2);
      Step s = harness.step();
      Dense all(attention.forward(s, x));
      const Dense dqkv(attention.backward(s, dy));
      all.values.insert(all.values.end(), dqkv.values.begin(), dqkv.values.end());
      const std::vector<Real> gradients = harness.gradient_buffer();
      all.values.insert(all.values.end(), gradients.begin(), gradients.end());
      return all.values;
    };
    const std::vector<double> full = run({}), all_of_k = run({.kind = AttentionKind::kTopK, .k = 99});
    REQUIRE(full.size() == all_of_k.size());
    for (size_t i = 0; i < full.size(); ++i)
      CHECK(std::fabs(full[i] - all_of_k[i]) <= 20 * kTolerance * std::max(1.0, std::fabs(full[i])));
  }
}

// Every parameter of a scheme, in each of its uses.
TEST_CASE("relative positions in an encoder: what the layers share gets a gradient from each") {
  const auto [name, position] = schemes()[GENERATE(range(size_t{0}, size_t{7}))];
  CAPTURE(name);
  ModelSettings settings;
  settings.width = 12, settings.heads = 2, settings.hidden = 10, settings.layers = 2, settings.position = position;
  Encoder layer(settings);
  test_layer(layer, 12, 12);
}

TEST_CASE("names and shapes of the parameters of relative positions") {
  const auto planned = [](PositionSettings position) {
    ModelSettings settings;
    settings.width = D, settings.heads = H, settings.layers = 2, settings.position = position;
    Encoder encoder(settings);
    Plan plan;
    plan.extent = extent_for(9, 9);
    encoder.plan(plan);
    std::map<std::string, std::pair<int64_t, int64_t>> shapes;
    for (const NamedParameter& p : plan.parameters) {
      CHECK(shapes.count(p.name) == 0);
      shapes[p.name] = {p.at.value.rows, p.at.value.cols};
    }
    return shapes;
  };
  using Shapes = std::map<std::string, std::pair<int64_t, int64_t>>;
  const Shapes plain = planned({.kind = PositionKind::kNone});
  const auto more = [&](PositionSettings position) {
    Shapes shapes = planned(position);
    for (const auto& [name, shape] : plain) {
      CHECK(shapes.at(name) == shape);
      shapes.erase(name);
    }
    return shapes;
  };
  CHECK(more({.kind = PositionKind::kRotary}).empty());
  CHECK(more({.kind = PositionKind::kAlibi}).empty());
  CHECK(more({.kind = PositionKind::kT5Bias}) == Shapes{{"position.bias.weight", {32, H}}});
  CHECK(more({.kind = PositionKind::kShaw}) ==
        Shapes{{"blocks.0.attention.relative_key.weight", {33, d}}, {"blocks.1.attention.relative_key.weight", {33, d}}});
  CHECK(more({.kind = PositionKind::kShaw, .distance = 3, .values = true}) ==
        Shapes{{"blocks.0.attention.relative_key.weight", {7, d}},
               {"blocks.0.attention.relative_value.weight", {7, d}},
               {"blocks.1.attention.relative_key.weight", {7, d}},
               {"blocks.1.attention.relative_value.weight", {7, d}}});
  CHECK(more({.kind = PositionKind::kDisentangled, .distance = 5}) == Shapes{{"position.relative.weight", {10, D}},
                                                                             {"blocks.0.attention.position_key.weight", {D, D}},
                                                                             {"blocks.0.attention.position_query.weight", {D, D}},
                                                                             {"blocks.0.attention.position_query.bias", {1, D}},
                                                                             {"blocks.1.attention.position_key.weight", {D, D}},
                                                                             {"blocks.1.attention.position_query.weight", {D, D}},
                                                                             {"blocks.1.attention.position_query.bias", {1, D}}});
}

// The same six tokens alone, and behind seven others: within a row, the logarithms of weights differ as the scores do.
TEST_CASE("scores do not change when all positions are shifted") {
  constexpr int64_t T = 6, shift = 7;
  for (const auto& [name, settings] : schemes()) {
    CAPTURE(name);
    Attention attention(settings);
    const Batch batch = batch_of({T, shift + T});
    Harness harness(attention, extent_for(batch.size(), shift + T));
    harness.load(batch);
    Guarded x(batch.size(), 3 * D);
    x.random(1);
    for (int64_t t = 0; t < T; ++t)
      for (int64_t c = 0; c < 3 * D; ++c) x(T + shift + t, c) = x(t, c);
    Weights probe;
    Step s = harness.step(false, &probe);
    attention.forward(s, x);
    double moved = 0;  // by exchanging two keys of the same offset sum: positions matter at all
    for (int64_t h = 0; h < H; ++h) {
      const Dense &alone = probe.tiles[size_t(h)], &behind = probe.tiles[size_t(H + h)];
      for (int64_t i = 0; i < T; ++i)
        for (int64_t j = 0; j < T; ++j) {
          const double a = std::log(alone(i, j) / alone(i, 0)),
                       b = std::log(behind(shift + i, shift + j) / behind(shift + i, shift));
          CHECK(a == Approx(b).margin(200 * kTolerance));
          double same = 0, first = 0;  // what the score would be without positions
          for (int64_t c = 0; c < d; ++c) {
            same += double(x(i, h * d + c)) * double(x(j, D + h * d + c));
            first += double(x(i, h * d + c)) * double(x(0, D + h * d + c));
          }
          moved = std::max(moved, std::fabs(a - (same - first) / std::sqrt(double(d))));
        }
    }
    CHECK(moved > 0.05);
  }
}

TEST_CASE("relative positions: scores of ±1e4 stay finite") {
  for (const auto& [name, settings] : schemes()) {
    CAPTURE(name);
    Attention attention(settings);
    Harness harness(attention, extent_for(8, 7));
    harness.load(batch_of({7, 1}));
    Guarded x(8, 3 * D), dy(8, D);
    x.random(3, 100), dy.random(4);
    Step s = harness.step();
    for (Real v : copy_of(attention.forward(s, x))) CHECK(std::isfinite(v));
    for (Real v : copy_of(attention.backward(s, dy))) CHECK(std::isfinite(v));
    for (Real v : harness.gradient_buffer()) CHECK(std::isfinite(v));
  }
}

// As the code of the paper lists them.
TEST_CASE("slopes of alibi") {
  const auto check = [](int64_t heads, const std::vector<double>& want) {
    REQUIRE(int64_t(want.size()) == heads);
    for (int64_t h = 0; h < heads; ++h) CHECK(alibi_slope(h, heads) == Approx(want[size_t(h)]).epsilon(1e-14));
  };
  check(1, {1.0 / 256});
  check(2, {1.0 / 16, 1.0 / 256});
  check(4, {1.0 / 4, 1.0 / 16, 1.0 / 64, 1.0 / 256});
  check(8, {1.0 / 2, 1.0 / 4, 1.0 / 8, 1.0 / 16, 1.0 / 32, 1.0 / 64, 1.0 / 128, 1.0 / 256});
  check(3, {1.0 / 16, 1.0 / 256, 1.0 / 4});
  check(6, {1.0 / 4, 1.0 / 16, 1.0 / 64, 1.0 / 256, 1.0 / 2, 1.0 / 8});
  const double root = std::sqrt(0.5);  // 12 heads: of 8, then every second of 16, whose slopes fall by √½
  check(12, {1.0 / 2, 1.0 / 4, 1.0 / 8, 1.0 / 16, 1.0 / 32, 1.0 / 64, 1.0 / 128, 1.0 / 256, root, root / 2, root / 4, root / 8});
}

TEST_CASE("buckets of t5_bias") {
  // 32 buckets up to 128: eight for one distance each, then they begin where 8·√2^m does, rounded up.
  const std::vector<int64_t> begin{0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91};
  for (int64_t distance = 0; distance < 1000; ++distance) {
    const int64_t want = std::upper_bound(begin.begin(), begin.end(), distance) - begin.begin() - 1;
    CHECK(t5_bucket(-distance, 32, 128) == want);
    if (distance > 0) CHECK(t5_bucket(distance, 32, 128) == 16 + want);
  }
  // 4 buckets: only offset 0 has one of its own.
  CHECK(t5_bucket(0, 4, 9) == 0);
  CHECK(t5_bucket(-1, 4, 9) == 1);
  CHECK(t5_bucket(-500, 4, 9) == 1);
  CHECK(t5_bucket(1, 4, 9) == 3);
}
