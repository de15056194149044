#include <cmath>

#include "layers/self_attention.h"
#include "support/core_run.h"

using namespace vitrine;

namespace {

constexpr int64_t D = 24, H = 3, d = D / H;
using Implementation = AttentionImplementation;

AttentionSettings local(int64_t window, bool causal = false, Implementation implementation = Implementation::kAuto) {
  AttentionSettings s;
  s.kind = AttentionKind::kLocal, s.window = {window}, s.causal = causal, s.implementation = implementation;
  return s;
}
struct Blocks {
  int64_t block, window = 1, global = 0, random = 0, stride = 0;
};
AttentionSettings sparse(const Blocks& b, bool causal = false, Implementation implementation = Implementation::kAuto) {
  AttentionSettings s;
  s.kind = AttentionKind::kBlockSparse, s.causal = causal, s.implementation = implementation;
  s.block = b.block, s.window = {b.window}, s.global = b.global, s.random = b.random, s.stride = b.stride;
  return s;
}
AttentionSettings full(bool causal, Implementation implementation) {
  AttentionSettings s;
  s.causal = causal, s.implementation = implementation;
  return s;
}

// A core over a batch: O, then dQ, dK, dV side by side; and all weights, if asked for.
struct Outcome {
  Dense O, dqkv;
  std::vector<double> weights;
};
Outcome run(const AttentionSettings& settings, double dropout, const Batch& batch, Tensor qkv, Tensor dO, uint64_t seed = 9,
            int64_t layer = 4, bool look = false) {
  WeightReader reader;
  const int64_t N = batch.size();
  const CoreRun got = run_core({"blocks.4.attention", layer, H, D, dropout, seed}, settings, batch, qkv.top(N), dO.top(N),
                               dropout > 0, look ? &reader : nullptr);
  std::vector<double> weights;
  for (const Dense& P : reader.weights) weights.insert(weights.end(), P.values.begin(), P.values.end());
  return {got.O, got.dqkv, weights};
}

void check_same(const char* what, const Dense& got, const Dense& want) {
  double worst = 0, largest = 1;
  for (size_t i = 0; i < got.values.size(); ++i) {
    REQUIRE(std::isfinite(got.values[i]));
    worst = std::max(worst, std::fabs(got.values[i] - want.values[i]));
    largest = std::max(largest, std::fabs(want.values[i]));
  }
  CAPTURE(what, worst, largest);
  CHECK(worst <= 2 * kTolerance * largest);  // both of them round
}

struct Drawn {
  explicit Drawn(int64_t N, double scale = 1.5) : qkv(N, 3 * D, 5), dO(N, D) { qkv.random(1, scale), dO.random(2); }
  Guarded qkv, dO;
};

// The definition of each kind without random blocks.
bool allowed(const AttentionSettings& s, int64_t i, int64_t j) {
  if (s.causal && j > i) return false;
  if (s.kind == AttentionKind::kLocal) return std::abs(i - j) <= s.window[0];
  const int64_t bi = i / s.block, bj = j / s.block;
  return std::abs(bi - bj) <= s.window[0] || i < s.global || j < s.global || (s.stride > 0 && (bi - bj) % s.stride == 0);
}

}  // namespace

TEST_CASE("local and block-sparse attention equal the formula, and show the weights that they use") {
  const std::vector<int64_t> lengths{5, 1, 33, 2, 18};
  const Batch batch = batch_of(lengths);
  const Drawn in(batch.size());
  for (const Implementation how : {Implementation::kFused, Implementation::kDense})
    for (const bool causal : {false, true})
      for (const AttentionSettings& settings :
           {local(1, causal, how), local(4, causal, how), sparse({4}, causal, how), sparse({4, 1, 3}, causal, how),
            sparse({2, 1, 1, 0, 4}, causal, how), sparse({3, 1, 6, 0, 3}, causal, how)}) {
        CAPTURE(int(how), causal, int(settings.kind), settings.window, settings.block);
        const Outcome got = run(settings, 0, batch, in.qkv, in.dO);
        const Outcome seen = run(settings, 0, batch, in.qkv, in.dO, 9, 4, true);
        check_same("O under a probe", seen.O, got.O);
        size_t at = 0;
        for (size_t b = 0, first = 0; b < lengths.size(); first += size_t(lengths[b]), ++b)
          for (int64_t h = 0; h < H; ++h)
            for (int64_t i = 0; i < lengths[b]; ++i) {
              const int64_t T = lengths[b], row = int64_t(first) + i;
              std::vector<double> p(static_cast<size_t>(T)), o(static_cast<size_t>(d));
              double sum = 0, shown = 0;
              for (int64_t j = 0; j < T; ++j) {
                double score = 0;
                for (int64_t c = h * d; c < (h + 1) * d; ++c) score += in.qkv(row, c) * in.qkv(int64_t(first) + j, D + c);
                sum += p[size_t(j)] = allowed(settings, i, j) ? std::exp(score / std::sqrt(double(d))) : 0;
              }
              for (int64_t j = 0; j < T; ++j, ++at) {
                p[size_t(j)] /= sum;
                CHECK(std::fabs(seen.weights[at] - p[size_t(j)]) < 20 * kTolerance);
                CHECK((allowed(settings, i, j) || seen.weights[at] == 0));
                shown += seen.weights[at];
                for (int64_t c = 0; c < d; ++c) o[size_t(c)] += p[size_t(j)] * in.qkv(int64_t(first) + j, 2 * D + h * d + c);
              }
              CHECK(shown == Approx(1));
              for (int64_t c = 0; c < d; ++c) CHECK(std::fabs(got.O(row, h * d + c) - o[size_t(c)]) < 20 * kTolerance);
            }
      }
}

// Lengths on both sides of the blocks that the kernel and the patterns work in.
TEST_CASE("tile by tile and dense give the same for every pattern") {
  const Batch batch = batch_of({5, 1, 31, 32, 33, 64, 65, 96, 129, 256, 257, 450});
  const Drawn in(batch.size());
  for (const bool causal : {false, true})
    for (const double dropout : {0.0, 0.25})
      for (const auto& settings_of : std::vector<std::function<AttentionSettings(Implementation)>>{
               [&](Implementation how) { return local(1, causal, how); },
               [&](Implementation how) { return local(31, causal, how); },
               [&](Implementation how) { return local(300, causal, how); },
               [&](Implementation how) {
                 return sparse({16, 1, 3, 2}, causal, how);
               },
               [&](Implementation how) {
                 return sparse({32, 2, 33, 0, 5}, causal, how);
               },
               [&](Implementation how) {
                 return sparse({7, 1, 0, 1, 3}, causal, how);
               },
               [&](Implementation how) {
                 return sparse({300, 1, 1, 1}, causal, how);
               }}) {
        const AttentionSettings settings = settings_of(Implementation::kFused);
        CAPTURE(causal, dropout, int(settings.kind), settings.window, settings.block);
        const Outcome dense = run(settings_of(Implementation::kDense), dropout, batch, in.qkv, in.dO);
        const Outcome fused = run(settings, dropout, batch, in.qkv, in.dO);
        check_same("O", fused.O, dense.O);
        check_same("dQ dK dV", fused.dqkv, dense.dqkv);
      }
}

TEST_CASE("local with a wide window and block-sparse with everything on are full attention") {
  const Batch batch = batch_of({5, 1, 33, 70});
  const Drawn in(batch.size());
  for (const Implementation how : {Implementation::kFused, Implementation::kDense})
    for (const bool causal : {false, true})
      for (const double dropout : {0.0, 0.25}) {
        CAPTURE(int(how), causal, dropout);
        const Outcome want = run(full(causal, how), dropout, batch, in.qkv, in.dO);
        for (const AttentionSettings& settings :
             {local(69, causal, how), local(1000, causal, how), sparse({8, 9}, causal, how), sparse({8, 1, 70}, causal, how),
              sparse({8, 1, 0, 9}, causal, how), sparse({8, 1, 0, 0, 1}, causal, how), sparse({70}, causal, how),
              sparse({8, 1, 3, 4, 2}, causal, how)}) {
          CAPTURE(settings.window, settings.block, settings.global, settings.random, settings.stride);
          const bool everything = settings.random != 4;
          const Outcome got = run(settings, dropout, batch, in.qkv, in.dO);
          if (everything) check_same("O", got.O, want.O);
          if (everything) check_same("dQ dK dV", got.dqkv, want.dqkv);
          if (!everything) CHECK(got.O.values != want.O.values);  // not all of it on
        }
      }
}

TEST_CASE("heads with windows of their own: each is, to the bit, what it is where all heads have its window") {
  const Batch batch = batch_of({5, 1, 33, 2, 140});
  const Drawn in(batch.size());
  const std::vector<int64_t> windows{4, 1, 70};
  for (const Implementation how : {Implementation::kFused, Implementation::kDense})
    for (const bool causal : {false, true})
      for (const double dropout : {0.0, 0.25}) {
        CAPTURE(int(how), causal, dropout);
        AttentionSettings several = local(0, causal, how);
        several.window = windows;
        const Outcome all = run(several, dropout, batch, in.qkv, in.dO), seen = run(several, 0, batch, in.qkv, in.dO, 9, 4, true);
        for (int64_t h = 0; h < H; ++h) {
          const AttentionSettings own = local(windows[size_t(h)], causal, how);
          const Outcome alone = run(own, dropout, batch, in.qkv, in.dO), shown = run(own, 0, batch, in.qkv, in.dO, 9, 4, true);
          bool same = true, same_weights = true;
          for (int64_t i = 0; i < batch.size(); ++i)
            for (int64_t c = h * d; c < (h + 1) * d; ++c) {
              same = same && all.O(i, c) == alone.O(i, c);
              for (int64_t part = 0; part < 3; ++part) same = same && all.dqkv(i, part * D + c) == alone.dqkv(i, part * D + c);
            }
          size_t first = 0;
          for (int64_t b = 0; b < batch.sequence_count(); ++b) {
            const auto size = size_t(batch.length(b) * batch.length(b));
            for (size_t k = 0; k < size; ++k) {
              const size_t at = first + size_t(h) * size + k;
              same_weights = same_weights && seen.weights[at] == shown.weights[at];
            }
            first += size_t(H) * size;
          }
          CHECK(same);
          CHECK(same_weights);
        }
      }
}

TEST_CASE("random blocks depend on the seed, the layer and the head, and on nothing else") {
  const Batch batch = batch_of({90}), within = batch_of({12, 90, 3});
  const Drawn in(105);
  const AttentionSettings settings = sparse({4, 1, 0, 2});
  const auto weights = [&](uint64_t seed, int64_t layer, const Batch& of = batch_of({90})) {
    return run(settings, 0, of, in.qkv, in.dO, seed, layer, true).weights;
  };
  const auto zeros = [&](const std::vector<double>& w, int64_t head, int64_t first = 0) {
    std::vector<bool> zero;
    for (int64_t k = 0; k < 90 * 90; ++k) zero.push_back(w[size_t(first + head * 90 * 90 + k)] == 0);
    return zero;
  };
  const std::vector<double> some = weights(9, 4);
  CHECK(some == weights(9, 4));
  CHECK(zeros(some, 0) != zeros(weights(10, 4), 0));
  CHECK(zeros(some, 0) != zeros(weights(9, 5), 0));
  CHECK(zeros(some, 0) != zeros(some, 1));
  for (int64_t head = 0; head < H; ++head) CHECK(zeros(some, head) == zeros(weights(9, 4, within), head, H * 12 * 12));
}

TEST_CASE("self-attention, local and block-sparse") {
  const auto how = GENERATE(Implementation::kFused, Implementation::kDense);
  const bool causal = GENERATE(false, true);
  const double dropout = GENERATE(0.0, 0.4);
  for (const AttentionSettings& settings :
       {local(1, causal, how), local(3, causal, how), sparse({2, 1, 1, 1}, causal, how), sparse({1, 1, 0, 0, 3}, causal, how)})
    DYNAMIC_SECTION(int(how) << causal << dropout << int(settings.kind) << settings.window[0] << settings.block) {
      SelfAttention layer("blocks.4.attention", 4, {D, H, settings, dropout, Init::normal(0.1), 3});
      test_layer(layer, D, D, dropout > 0);
    }
}

TEST_CASE("self-attention, local with a window for each head") {
  const auto how = GENERATE(Implementation::kFused, Implementation::kDense);
  const bool causal = GENERATE(false, true);
  AttentionSettings settings = local(0, causal, how);
  settings.window = {1, 3, 2};
  SelfAttention layer("blocks.4.attention", 4, {D, H, settings, 0.0, Init::normal(0.1), 3});
  test_layer(layer, D, D);
}

TEST_CASE("a row that sees no key has no output and no gradient, and disturbs no other") {
  Backend& ops = backend_under_test();
  const Packing packing = packing_of({20, 1, 7});
  const int64_t N = packing.tokens();
  const Guarded q = Guarded(N, D).random(1), k = Guarded(N, D).random(2), v = Guarded(N, D).random(3),
                dout = Guarded(N, D).random(4);
  const Guarded o = Guarded(N, D).garbage(), lse = Guarded(N, H).garbage();
  const Guarded dq = Guarded(N, D).garbage(), dk = Guarded(N, D).garbage(), dv = Guarded(N, D).garbage();
  const auto tiles = [&](const Guarded& x) { return Tiles{x, &packing, H, false}; };
  // Causal, and one random block before the query's own, which is not seen: there is none before the first.
  const Pattern pattern{.causal = true, .block = 4, .reach = -1, .random = 1};
  const AttentionWeights how{pattern, Real(0.5), Real(0.25), {3, 5, 7}, 0};
  ops.fused_attention_forward(tiles(o), lse, tiles(q), tiles(k), tiles(v), how);
  ops.fused_attention_backward(tiles(dq), tiles(dk), tiles(dv), {}, tiles(dout), tiles(o), lse, tiles(q), tiles(k), tiles(v),
                               how);

  const Guarded p = Guarded(1, H * packing.pairs()).garbage(), r = Guarded(1, H * packing.pairs()).garbage();
  const Tiles P{p, &packing, H, true}, R{r, &packing, H, true};
  const Guarded o2(N, D), dq2(N, D), dk2(N, D), dv2(N, D);
  ops.matmul(P, tiles(q), tiles(k).T(), how.scale, Write::kSet);
  ops.softmax_forward(P, P, pattern);
  ops.dropout(R, P, how.rate, how.key, 0);
  ops.matmul(tiles(o2), R, tiles(v), 1, Write::kSet);
  ops.matmul(tiles(dv2), R.T(), tiles(dout), 1, Write::kSet);
  ops.matmul(R, tiles(dout), tiles(v).T(), 1, Write::kSet);
  ops.dropout(R, R, how.rate, how.key, 0);
  ops.softmax_backward(R, R, P, pattern);
  ops.matmul(tiles(dq2), R, tiles(k), how.scale, Write::kSet);
  ops.matmul(tiles(dk2), R.T(), tiles(q), how.scale, Write::kSet);
  check_same("O", Dense(o), Dense(o2));
  check_same("dQ", Dense(dq), Dense(dq2));
  check_same("dK", Dense(dk), Dense(dk2));
  check_same("dV", Dense(dv), Dense(dv2));
  for (int64_t i = 0; i < N; ++i) {
    const bool blind = i < 4 || i == 20 || (i >= 21 && i < 25);
    CHECK(std::isinf(lse(i, 0)) == blind);
    double sum = 0;
    for (int64_t c = 0; c < D; ++c) {
      if (blind) CHECK((o(i, c) == 0 && dq(i, c) == 0));
      sum += std::fabs(double(dq(i, c)));
    }
    CHECK((blind || sum > 0));
  }
}

TEST_CASE("scores of 10^4 stay finite in sparse attention") {
  const Batch batch = batch_of({300});
  const Drawn in(batch.size(), 300);
  for (const AttentionSettings& settings : {local(10), local(10, true, Implementation::kDense), sparse({16, 1, 2, 1})}) {
    const Outcome got = run(settings, 0, batch, in.qkv, in.dO);
    for (double x : got.O.values) REQUIRE(std::isfinite(x));
    for (double x : got.dqkv.values) REQUIRE(std::isfinite(x));
  }
}

TEST_CASE("memory of sparse attention doubles with the length") {
  const auto numbers = [](const AttentionSettings& settings, int64_t T) {
    const auto core = make_attention_core({"a", 0, H, D, 0.1}, settings);
    Plan plan;
    plan.extent = extent_for(T, T);
    core->plan(plan);
    return plan.activations.peak() + plan.gradients.peak();
  };
  for (const AttentionSettings& settings : {local(64), sparse({16, 1, 2, 3})})
    for (int64_t T = 1024; T <= 8192; T *= 2) CHECK(numbers(settings, 2 * T) == 2 * numbers(settings, T));
  CHECK(numbers(local(64, false, Implementation::kDense), 2048) > 3 * numbers(local(64, false, Implementation::kDense), 1024));
}

// S_ij + bias_(j − i): the weights, and the gradient of each offset.
TEST_CASE("fused attention with a bias for each offset") {
  Backend& ops = backend_under_test();
  constexpr Real kNever = -std::numeric_limits<Real>::infinity();
  const Packing packing = packing_of({5, 1, 70});
  const int64_t N = packing.tokens(), W = GENERATE(2, 6, 69, 80);
  const bool causal = GENERATE(false, true);
  const int64_t window = GENERATE(-1, 4);
  CAPTURE(W, causal, window);
  const Guarded q = Guarded(N, D).random(1), k = Guarded(N, D).random(2), v = Guarded(N, D).random(3),
                dout = Guarded(N, D).random(4);
  const Guarded bias = Guarded(H, 2 * W + 1).random(5);
  for (int64_t o = 0; o <= 2 * W; ++o)
    if (std::abs(o - W) > W / 2) bias(1, o) = kNever;  // head 1 sees half as far
  const Guarded o = Guarded(N, D).garbage(), lse = Guarded(N, H).garbage(), dbias = Guarded(H, 2 * W + 1).fill(0);
  const Guarded dq = Guarded(N, D).garbage(), dk = Guarded(N, D).garbage(), dv = Guarded(N, D).garbage();
  const auto tiles = [&](const Guarded& x) { return Tiles{x, &packing, H, false}; };
  const AttentionWeights how{{.causal = causal, .window = window}, Real(0.5), 0, {}, 0, bias};
  const auto forward = [&] {
    ops.fused_attention_forward(tiles(o), lse, tiles(q), tiles(k), tiles(v), how);
    return dot(o, dout);
  };
  forward();
  ops.fused_attention_backward(tiles(dq), tiles(dk), tiles(dv), dbias, tiles(dout), tiles(o), lse, tiles(q), tiles(k), tiles(v),
                               how);

  Dense O(N, D), dB(H, 2 * W + 1);
  each_tile(tiles(q), [&](int64_t b, int64_t h) {
    const int64_t first = packing.offset[size_t(b)], T = packing.length(b);
    for (int64_t i = 0; i < T; ++i) {
      std::vector<double> p(static_cast<size_t>(T)), dp(static_cast<size_t>(T));
      double sum = 0, mean = 0;
      const auto seen = [&](int64_t j) {
        return std::abs(i - j) <= W && (window < 0 || std::abs(i - j) <= window) && !(causal && j > i) &&
               bias(h, W + j - i) != kNever;
      };
      for (int64_t j = 0; j < T; ++j) {
        if (!seen(j)) continue;
        double score = 0;
        for (int64_t c = h * d; c < (h + 1) * d; ++c) {
          score += double(q(first + i, c)) * double(k(first + j, c));
          dp[size_t(j)] += double(dout(first + i, c)) * double(v(first + j, c));
        }
        sum += p[size_t(j)] = std::exp(score / 2 + double(bias(h, W + j - i)));
      }
      for (int64_t j = 0; j < T; ++j) mean += p[size_t(j)] / sum * dp[size_t(j)];
      for (int64_t j = 0; j < T; ++j) {
        if (!seen(j)) continue;
        for (int64_t c = h * d; c < (h + 1) * d; ++c) O(first + i, c) += p[size_t(j)] / sum * double(v(first + j, c));
        dB(h, W + j - i) += p[size_t(j)] / sum * (dp[size_t(j)] - mean);
      }
    }
  });
  check_close("O", o, O);
  check_close("dbias", dbias, dB, 4 * kTolerance);  // sums of 75 rows
  CHECK((o.intact() && lse.intact() && dbias.intact() && dq.intact() && dk.intact() && dv.intact()));
  check_gradient("q", forward, q, dq, 0, 60);
  check_gradient("k", forward, k, dk, 0, 60);
  check_gradient("v", forward, v, dv, 0, 60);
}
