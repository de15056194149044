// What is tested through layers on the CPU, here each primitive alone: whatever computes, the numbers are those of the CPU.
#include "backend/cpu_backend.h"
#include "support/tensors.h"

using namespace vitrine;

namespace {

constexpr double kBoth = 2 * kTolerance;  // either may be off by one

// The same call on the backend under test and on the CPU, each into its own y.
template <class F>
void check_same(std::string_view name, const Guarded& y, F call) {
  static CpuBackend cpu;
  const Guarded want(y);
  call(static_cast<Backend&>(cpu), *want);
  call(backend_under_test(), *y);
  check_close(name, y, Dense(*want), kBoth);
  CHECK(y.intact());
}

}  // namespace

TEST_CASE("fused attention is that of the CPU, forward and backward") {
  constexpr int64_t H = 2;
  const Pattern patterns[] = {{},
                              {.causal = true},
                              {.window = 3},
                              {.causal = true, .window = 40},
                              {.block = 4, .reach = 0, .global = 1},
                              {.causal = true, .block = 8, .reach = -1, .random = 2},
                              {.block = 32, .reach = 0, .stride = 2}};
  const bool slow = device_under_test().check;  // then a few of them, with all that there is in each
  for (const Packing& packing : {packing_of({5, 1, 33}), packing_of({70, 32})})
    for (const int64_t d : {5, 16, 40, 128})
      for (const Pattern& pattern : patterns)
        for (const int variant : {0, 1, 2}) {
          if (slow && (variant != 2 || (packing.tokens() < 50 ? d != 40 : d != 5))) continue;
          const bool biased = variant > 0;
          const int64_t N = packing.tokens(), D = H * d, W = pattern.block > 0 ? 80 : 20;
          CAPTURE(packing.offset, d, pattern.causal, pattern.window, pattern.block, variant);
          const Guarded qkv = Guarded(N, 3 * D, 1).random(1), dout = Guarded(N, D).random(2);
          const Guarded bias = Guarded(H, 2 * W + 1).random(3);
          for (int64_t k = 0; k < 4; ++k) bias(1, k) = -std::numeric_limits<Real>::infinity();
          const auto tiles = [&](Tensor x) { return Tiles{x, &packing, H, false}; };
          const Tiles q = tiles((*qkv).columns(0, D)), k = tiles((*qkv).columns(D, D)), v = tiles((*qkv).columns(2 * D, D));
          const AttentionWeights how{.pattern = pattern,
                                     .scale = 1 / std::sqrt(Real(d)),
                                     .rate = variant == 2 ? Real(0.25) : Real(0),
                                     .key = {9, 5 << 12, 3},
                                     .first_row = 100,
                                     .bias = biased ? *bias : Tensor{}};
          const Guarded lse = Guarded(N, H).garbage(), o = Guarded(N, D, 3).garbage();
          check_same("O", o, [&](Backend& ops, Tensor y) { ops.fused_attention_forward(tiles(y), lse, q, k, v, how); });
          const Guarded dqkv = Guarded(N, 3 * D, 2).garbage(), dbias = Guarded(H, 2 * W + 1).random(4);
          const Dense start(dbias);
          check_same("dQ, dK, dV", dqkv, [&](Backend& ops, Tensor y) {
            for (int64_t h = 0; h < H; ++h)
              for (int64_t c = 0; c < dbias.operator*().cols; ++c) dbias(h, c) = Real(start(h, c));
            ops.fused_attention_backward(tiles(y.columns(0, D)), tiles(y.columns(D, D)), tiles(y.columns(2 * D, D)),
                                         biased ? *dbias : Tensor{}, tiles(dout), tiles(o), lse, q, k, v, how);
          });
          check_same("dbias", dbias, [&](Backend& ops, Tensor y) {
            ops.fused_attention_backward(tiles((*dqkv).columns(0, D)), tiles((*dqkv).columns(D, D)),
                                         tiles((*dqkv).columns(2 * D, D)), biased ? y : Tensor{}, tiles(dout), tiles(o), lse, q,
                                         k, v, how);
          });
        }
}

TEST_CASE("linear attention is that of the CPU, forward and backward") {
  constexpr int64_t H = 2, m = 6, d = 5;
  const Packing packing = packing_of({5, 1, 150, 64});
  const int64_t N = packing.tokens();
  const auto tiles = [&](Tensor x) { return Tiles{x, &packing, H, false}; };
  const Guarded states(2 * H * m, d + 1);
  for (const bool causal : {false, true}) {
    CAPTURE(causal);
    const KernelWeights how{causal, Real(0.1), states};
    const Guarded x = Guarded(N, 2 * H * m).random(1), v = Guarded(N, H * d).random(2), dout = Guarded(N, H * d).random(3);
    const Guarded f = Guarded(N, 2 * H * m).garbage(), df = Guarded(N, 2 * H * m).random(4);
    check_same("features", f, [&](Backend& ops, Tensor y) { ops.elu_features_forward(y, x); });
    check_same("dfeatures", df, [&](Backend& ops, Tensor y) { ops.elu_features_backward(y, y, f); });
    const Tiles fq = tiles((*f).columns(0, H * m)), fk = tiles((*f).columns(H * m, H * m));
    const Guarded o = Guarded(N, H * d).garbage(), n = Guarded(N, H).garbage();
    check_same("O", o, [&](Backend& ops, Tensor y) { ops.linear_attention_forward(tiles(y), n, fq, fk, tiles(v), how); });
    check_same("n", n, [&](Backend& ops, Tensor y) { ops.linear_attention_forward(tiles(o), y, fq, fk, tiles(v), how); });
    const Guarded gradients = Guarded(N, H * (2 * m + d), 1).garbage();
    check_same("dφq, dφk, dv", gradients, [&](Backend& ops, Tensor y) {
      ops.linear_attention_backward(tiles(y.columns(0, H * m)), tiles(y.columns(H * m, H * m)),
                                    tiles(y.columns(2 * H * m, H * d)), tiles(dout), tiles(o), n, fq, fk, tiles(v), how);
    });
  }
}

TEST_CASE("random features are those of the CPU, forward and backward") {
  constexpr int64_t H = 2, m = 12, d = 5;
  const Packing packing = packing_of({5, 1, 40});
  const int64_t N = packing.tokens();
  const auto tiles = [&](Tensor x) { return Tiles{x, &packing, H, false}; };
  const Guarded x = Guarded(N, H * d, 2).random(1), omega = Guarded(H * m, d).random(2);
  for (const Stabiliser by : {Stabiliser::kRow, Stabiliser::kTile}) {
    const Guarded y = Guarded(N, H * m).garbage(), dx = Guarded(N, H * d).garbage(), dy = Guarded(N, H * m).random(3);
    check_same("y", y,
               [&](Backend& ops, Tensor out) { ops.random_features_forward(tiles(out), tiles(x), omega, Real(0.4), by); });
    check_same("dx", dx, [&](Backend& ops, Tensor out) {
      const Guarded given(dy);
      ops.random_features_backward(tiles(out), tiles(given), tiles(y), tiles(x), omega, Real(0.4));
    });
  }
}

TEST_CASE("routing takes the members that the CPU takes") {
  constexpr int64_t H = 2, d = 5, c = 3;
  const Packing packing = packing_of({5, 1, 40, 3});
  const int64_t N = packing.tokens(), rows = N + packing.sequences() * c;
  Packing clusters;
  for (int64_t b = 0; b < packing.sequences(); ++b) {
    const int64_t T = packing.length(b), w = (T + c - 1) / c;
    for (int64_t k = 0; k < c; ++k) clusters.add(w);
    clusters.add(T + c - c * w);
  }
  const auto tiles = [&](Tensor x) { return Tiles{x, &packing, H, false}; };
  const Guarded x = Guarded(N, H * d, 2).random(1), centroids = Guarded(H * c, d).random(2), work(9, 40);
  for (int64_t j = 0; j < H * d; ++j) x(7, j) = x(8, j);  // equally near
  const Guarded nearest = Guarded(N, H).garbage(), places = Guarded(rows, H).garbage(), counts = Guarded(N, H).garbage();
  check_same("places", places, [&](Backend& ops, Tensor y) { ops.route({y, c, &packing}, nearest, tiles(x), centroids, work); });
  const Members members{places, c, &packing};
  check_same("nearest", nearest, [&](Backend& ops, Tensor y) { ops.route(members, y, tiles(x), centroids, work); });
  check_same("counts", counts, [&](Backend& ops, Tensor y) { ops.count_members(y, members); });
  const Guarded gathered = Guarded(rows, H * d).garbage(), scattered = Guarded(N, H * d, 1).garbage();
  for (int64_t i = 0; i < N; ++i)
    for (int64_t h = 0; h < H; ++h) counts(i, h) = std::max(counts(i, h), Real{1});
  for (const Tensor& by : {*counts, Tensor{}}) {
    check_same("gathered", gathered, [&](Backend& ops, Tensor y) { ops.gather_members(y, tiles(x), members, by); });
    check_same("scattered", scattered, [&](Backend& ops, Tensor y) { ops.scatter_members(tiles(y), gathered, members, by); });
  }
  const Guarded inside = Guarded(1, H * clusters.pairs()).random(3), weights = Guarded(1, H * packing.pairs()).garbage();
  check_same("weights", weights, [&](Backend& ops, Tensor y) {
    ops.scatter_weights({y, &packing, H, true}, {inside, &clusters, H, true}, members, members, counts);
  });
  const Guarded sums = Guarded(H * c, d + 1).random(4), moved(centroids);
  check_same("sums", sums, [&](Backend& ops, Tensor y) { ops.add_to_centroids(y, tiles(x), nearest); });
  sums(1, d) = 0;  // nobody's centroid stays
  check_same("moved", moved, [&](Backend& ops, Tensor y) { ops.move_centroids(y, sums, Real(0.9)); });
}

// 8 chunks and a rest, in the order that the CPU adds them in
TEST_CASE("the sum of squares has the CPU's bits") {
  const Guarded x = Guarded(1, 8 * 4096 + 77).random(1);
  CpuBackend cpu;
  CHECK(backend_under_test().sum_squares(x) == Approx(cpu.sum_squares(x)).epsilon(kDouble ? 1e-14 : 0));
}
