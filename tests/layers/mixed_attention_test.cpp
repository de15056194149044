#include "model/encoder.h"
#include "support/core_run.h"

// Encoders whose blocks differ in their attention.
using namespace vitrine;

namespace {

constexpr int64_t D = 12, H = 2;

ModelSettings encoder_of(const std::vector<AttentionSettings>& attention, const PositionSettings& position = {}) {
  ModelSettings settings;
  settings.width = D, settings.heads = H, settings.hidden = 10, settings.layers = std::ssize(attention);
  settings.attention = attention, settings.position = position;
  return settings;
}

AttentionSettings local(std::vector<int64_t> window) { return {.kind = AttentionKind::kLocal, .window = std::move(window)}; }
const AttentionSettings kFull, kCausal{.causal = true}, kLinear{.kind = AttentionKind::kLinear},
    kBlocks{.kind = AttentionKind::kBlockSparse, .window = {1}, .block = 1, .global = 1},
    kSpan{.kind = AttentionKind::kAdaptiveSpan, .max_span = 9, .ramp = 4, .initial = 1.5};

}  // namespace

TEST_CASE("an encoder of blocks that differ in their attention") {
  const NormPlace place = GENERATE(NormPlace::kPre, NormPlace::kPost);
  CAPTURE(int(place));
  // Behind post-norm blocks, differences of many layers say less than the tolerance.
  ModelSettings settings = encoder_of(place == NormPlace::kPre ? std::vector{local({1, 3}), kLinear, kSpan, kBlocks, kCausal}
                                                               : std::vector{local({1, 3}), kSpan});
  settings.norm.place = place;
  Encoder layer(settings, 5);
  test_layer(layer, D, D);
}

TEST_CASE("an encoder of blocks that differ in their attention, with each of the relative positions") {
  const PositionKind kind = GENERATE(PositionKind::kRotary, PositionKind::kAlibi, PositionKind::kT5Bias, PositionKind::kShaw,
                                     PositionKind::kDisentangled);
  CAPTURE(int(kind));
  const PositionSettings position{.kind = kind, .distance = 2, .values = true, .buckets = 8, .max_distance = 6, .base = 50};
  std::vector<AttentionSettings> attention{local({1, 2}), kFull, kBlocks};
  if (kind == PositionKind::kRotary) attention.push_back(kSpan);
  Encoder layer(encoder_of(attention, position), 5);
  test_layer(layer, D, D);
}

TEST_CASE("each block attends as its own entry says, and only it has the entry's parameters") {
  Encoder encoder(encoder_of({local({1, 3}), kCausal, kSpan, kFull}));
  Harness harness(encoder, extent_for(9, 9));
  std::vector<std::string> spans;
  for (const NamedParameter& p : harness.parameters())
    if (p.name.ends_with("span.weight")) spans.push_back(p.name);
  CHECK(spans == std::vector<std::string>{"blocks.2.attention.span.weight"});
  harness.load(batch_of({9}));
  WeightReader reader;
  Step s = harness.step(false, &reader);
  const Guarded x = Guarded(9, D).random(1);
  encoder.forward(s, x);
  REQUIRE(reader.weights.size() == 4 * H);
  for (int64_t l = 0; l < 4; ++l)
    for (int64_t h = 0; h < H; ++h)
      for (int64_t i = 0; i < 9; ++i)
        for (int64_t j = 0; j < 9; ++j) {
          CAPTURE(l, h, i, j);
          const int64_t window = l == 0 ? 1 + 2 * h : 9;
          const bool seen = std::abs(i - j) <= window && (l != 1 || j <= i);
          const double weight = reader.weights[size_t(l * H + h)](i, j);
          if (l != 2) CHECK((weight != 0) == seen);  // a span ends where it was learnt to
        }
}

TEST_CASE("one entry for all blocks, and as many equal ones, are the same model") {
  const auto run = [](ModelSettings settings, int64_t layers) {
    settings.layers = layers;
    Encoder encoder(settings, 5);
    Harness harness(encoder, extent_for(12, 9));
    harness.load(batch_of({9, 3}));
    Step s = harness.step();
    const Guarded x = Guarded(12, D).random(1);
    return copy_of(encoder.forward(s, x));
  };
  const std::vector<Real> one = run(encoder_of({kBlocks}), 3);
  CHECK(run(encoder_of({kBlocks, kBlocks, kBlocks}), 3) == one);
  CHECK(run(encoder_of({kBlocks, kFull, kBlocks}), 3) != one);
}
