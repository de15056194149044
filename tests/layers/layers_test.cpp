#include "layers/block.h"
#include "model/encoder.h"
#include "support/layer_harness.h"

using namespace vitrine;

namespace {
constexpr int64_t D = 12, H = 3, F = 20;
const Init kInit = Init::normal(0.5);

FeedForward::Settings feed_forward(ActivationKind kind, double dropout = 0) { return {D, F, kind, dropout, kInit}; }
SelfAttention::Settings attention(bool causal, double dropout = 0) {
  AttentionSettings settings;
  settings.causal = causal;
  return {D, H, settings, dropout, kInit};
}
}  // namespace

TEST_CASE("linear") {
  Linear layer("linear", 7, 5, kInit);
  test_layer(layer, 7, 5);
}

TEST_CASE("linear, stacked: one product, three named parameters") {
  Linear layer({"a", "b", "c"}, 7, 4, kInit);
  test_layer(layer, 7, 12);
}

TEST_CASE("layer norm") {
  LayerNorm layer("norm", 13, 1e-5);
  test_layer(layer, 13, 13);
}

TEST_CASE("RMS norm") {
  RmsNorm layer("norm", 13, 1e-5);
  test_layer(layer, 13, 13);
}

TEST_CASE("dropout: its backward draws the same mask") {
  Dropout layer(0.4, 9, Purpose::kDropoutResidual, 2, 1);
  Harness harness(layer, extent_for(20, 9));
  harness.load(batch_of({5, 1, 3}));
  Guarded x(9, 9), dy(9, 9);
  x.fill(1), dy.fill(2);
  Step s = harness.step(true);
  const Tensor y = layer.forward(s, x);
  const Tensor dx = layer.backward(s, dy);
  int kept = 0;
  for (int64_t i = 0; i < 9; ++i)
    for (int64_t j = 0; j < 9; ++j) {
      CHECK((y.row(i)[j] == 0 || y.row(i)[j] == Approx(1 / 0.6)));
      CHECK(dx.row(i)[j] == 2 * y.row(i)[j]);
      kept += y.row(i)[j] != 0;
    }
  CHECK(kept > 30);
  CHECK(kept < 66);
  x.fill(1);
  Step evaluation = harness.step(false);
  CHECK(layer.forward(evaluation, x).row(3)[3] == 1);
}

TEST_CASE("feed-forward") {
  const auto kind = GENERATE(ActivationKind::kGelu, ActivationKind::kGeluTanh, ActivationKind::kRelu, ActivationKind::kSilu,
                             ActivationKind::kSwiglu, ActivationKind::kGeglu);
  CAPTURE(int(kind));
  FeedForward layer("feed_forward", 0, feed_forward(kind));
  test_layer(layer, D, D);
}

TEST_CASE("feed-forward with dropout") {
  FeedForward layer("feed_forward", 1, feed_forward(ActivationKind::kGelu, 0.3));
  test_layer(layer, D, D, true);
}

TEST_CASE("self-attention") {
  const bool causal = GENERATE(false, true);
  CAPTURE(causal);
  SelfAttention layer("attention", 0, attention(causal));
  test_layer(layer, D, D);
}

TEST_CASE("self-attention with dropout of the weights") {
  const bool causal = GENERATE(false, true);
  CAPTURE(causal);
  SelfAttention layer("attention", 1, attention(causal, 0.3));
  test_layer(layer, D, D, true);
}

TEST_CASE("block") {
  const auto place = GENERATE(NormPlace::kPre, NormPlace::kPost);
  const double dropout = GENERATE(0.0, 0.25);
  CAPTURE(int(place), dropout);
  Block layer(
      "blocks.0", 0,
      {{NormKind::kLayer, place, 1e-5}, attention(false, dropout), feed_forward(ActivationKind::kGelu, dropout), dropout});
  test_layer(layer, D, D, dropout > 0);
}

TEST_CASE("encoder: three blocks share two regions of gradient memory") {
  const auto place = GENERATE(NormPlace::kPre, NormPlace::kPost);
  CAPTURE(int(place));
  ModelSettings settings;
  settings.width = D, settings.heads = H, settings.hidden = F, settings.layers = 3;
  settings.norm.place = place;
  Encoder layer(settings);
  test_layer(layer, D, D);
}

// The rows that nobody reads take part in the attention of the others and in nothing else: leaving them out behind the last attention
// changes no bit of the rest, also under dropout, whose masks belong to rows of the batch.
TEST_CASE("encoder: of the last block only the rows that are read") {
  const NormPlace place = GENERATE(NormPlace::kPre, NormPlace::kPost);
  const std::vector<int32_t> picked =
      GENERATE(std::vector<int32_t>{1, 5, 6}, std::vector<int32_t>{0, 1, 2, 3, 4, 5, 6, 7, 8}, std::vector<int32_t>{});
  CAPTURE(int(place), picked.size());
  ModelSettings settings;
  settings.width = D, settings.layers = 2, settings.heads = H, settings.hidden = F;
  settings.norm.place = place;
  settings.dropout = {0, 0.25, 0.25, 0.25};
  Encoder encoder(settings);
  Harness harness(encoder, extent_for(20, 9));
  const Batch batch = batch_of({5, 1, 3});
  harness.load(batch);
  const Indices read = harness.ops().upload(picked);
  const Guarded x = Guarded(9, D).random(1), dy = Guarded(read.size, D).random(2), all_dy = Guarded(9, D).fill(0);
  harness.ops().scatter_add(all_dy, dy, read);

  Step all = harness.step(true), some = harness.step(true);
  some.read = &read;
  const Tensor y = encoder.forward(all, x);
  Guarded y_read(read.size, D);
  harness.ops().gather(y_read, y, read);
  const std::vector<Real> dx = copy_of(encoder.backward(all, all_dy)), gradients = harness.gradient_buffer();
  const double largest = harness.largest_gradient();
  harness.zero_gradients();

  const Tensor y_some = encoder.forward(some, x);
  REQUIRE(y_some.rows == read.size);
  CHECK(copy_of(y_some) == copy_of(y_read));
  harness.poison_gradients_of_activations();
  const Tensor dx_some = encoder.backward(some, dy);
  REQUIRE(dx_some.rows == 9);
  const std::vector<Real> dx_now = copy_of(dx_some), gradients_now = harness.gradient_buffer();
  double worst = 0;
  const auto compare = [&](const std::vector<Real>& want, const std::vector<Real>& got) {
    for (size_t k = 0; k < want.size(); ++k) {
      REQUIRE(std::isfinite(got[k]));
      worst = std::max(worst, std::fabs(double(want[k]) - double(got[k])));
    }
  };
  compare(dx, dx_now), compare(gradients, gradients_now);
  CHECK(worst <= kTolerance * largest);
}
