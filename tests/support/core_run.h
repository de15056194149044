#pragma once
#include <map>
#include <string>
#include <vector>

#include "layers/attention/core.h"
#include "support/layer_harness.h"

// An attention core alone, forward and backward over one batch, and what a probe sees of its weights.
namespace vitrine::inline VITRINE_PRECISION {

struct CoreRun {
  Dense O, dqkv;  // [N,D], and dQ, dK, dV side by side [N,3D]
};

inline int64_t longest_of(const Batch& batch) {
  int64_t longest = 0;
  for (int64_t b = 0; b < batch.sequence_count(); ++b) longest = std::max(longest, batch.length(b));
  return longest;
}

// Columns part·D … of [N,3D] as tiles.
inline Tiles part_of(const Step& s, Tensor qkv, int64_t part, int64_t H) {
  const int64_t D = qkv.cols / 3;
  return s.heads(qkv.columns(part * D, D), H);
}

inline CoreRun run_core(const CoreShape& shape, const AttentionSettings& settings, const Batch& batch, Tensor qkv, Tensor dO,
                        bool training = false, Probe* probe = nullptr) {
  const int64_t H = shape.heads;
  const auto core = make_attention_core(shape, settings);
  Harness harness(*core, extent_for(batch.size(), longest_of(batch)));
  harness.load(batch);
  Step s = harness.step(training, probe);
  const Dense O(core->forward(s, part_of(s, qkv, 0, H), part_of(s, qkv, 1, H), part_of(s, qkv, 2, H)).base);
  Guarded dqkv = Guarded(batch.size(), qkv.cols, 3).garbage();
  if (!probe) core->backward(s, part_of(s, dqkv, 0, H), part_of(s, dqkv, 1, H), part_of(s, dqkv, 2, H), s.heads(dO, H));
  CHECK(dqkv.intact());
  return {O, Dense(dqkv)};
}

// Reads every [T,T] of weights, in the order of sequences and heads.
class WeightReader : public Probe {
 public:
  bool wants(std::string_view name) const override { return name.ends_with(".weights"); }
  void visit(std::string_view, const Place&, Values& values) override {
    Dense P(values.rows(), values.cols());
    for (int64_t i = 0; i < P.rows; ++i) values.read(i, 0, std::span(P.values).subspan(size_t(i * P.cols), size_t(P.cols)));
    weights.push_back(std::move(P));
  }
  std::vector<Dense> weights;
};

// Makes every row of weights the whole of its first key.
class FirstKeyOnly : public Probe {
 public:
  bool wants(std::string_view name) const override { return name.ends_with(".weights"); }
  void visit(std::string_view, const Place&, Values& values) override {
    std::vector<double> row(size_t(values.cols()), 0.0);
    row[0] = 1;
    for (int64_t i = 0; i < values.rows(); ++i) values.write(i, 0, row);
  }
};

// Tile (b, h) of part 0 (Q), 1 (K) or 2 (V).
inline Dense tile_of(Tensor qkv, const Batch& batch, int64_t b, int64_t h, int64_t H, int64_t part) {
  const int64_t D = qkv.cols / 3, d = D / H;
  return Dense(qkv.slice(batch.offsets[size_t(b)], batch.length(b)).columns(part * D + h * d, d));
}

// Writes a tile's rows into [N,·] from column `first` on.
inline void put_tile(Dense& x, const Dense& tile, int64_t row, int64_t first) {
  for (int64_t i = 0; i < tile.rows; ++i)
    for (int64_t j = 0; j < tile.cols; ++j) x(row + i, first + j) = tile(i, j);
}

inline void compare(std::string_view what, const Dense& got, const Dense& want, double tolerance = kTolerance) {
  REQUIRE(got.values.size() == want.values.size());
  double worst = 0;
  const double largest = std::max(1.0, want.largest());
  for (size_t i = 0; i < got.values.size(); ++i) {
    const double difference = std::fabs(got.values[i] - want.values[i]);
    if (!(difference <= worst)) worst = difference;
    if (std::isnan(worst)) break;
  }
  CAPTURE(what, worst, largest, tolerance);
  CHECK(worst <= tolerance * largest);
}

// Numbers planned for one layer at this length, alone in its batch.
inline int64_t planned_numbers(const CoreShape& shape, const AttentionSettings& settings, int64_t T) {
  const auto core = make_attention_core(shape, settings);
  Plan plan;
  plan.extent = {T, 1, T, T * T, T};
  core->plan(plan);
  return plan.activations.peak() + plan.gradients.peak();
}

}  // namespace vitrine::inline VITRINE_PRECISION
