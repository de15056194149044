// Every layer against PyTorch: tests/golden/layer/ holds x, parameters and dy, and what y, dx and the gradients must be.
#include <memory>

#include "layers/block.h"
#include "support/backend_under_test.h"
#include "support/catch.h"
#include "support/golden.h"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

constexpr double kTolerance = sizeof(Real) == 8 ? kGoldenFloat64 : kGoldenFloat32;

// A part of an encoder with the positions that the encoder would hand to it.
class WithPosition : public Layer {
 public:
  WithPosition(const ModelSettings& m) : position(m.position, m.width, m.heads) {}
  void plan(Plan& p) override { position.plan(p), layer->plan(p); }
  Tensor forward(Step& s, Tensor x) override { return layer->forward(s, x); }
  Tensor backward(Step& s, Tensor dy) override { return layer->backward(s, dy); }
  SharedPosition position;
  std::unique_ptr<Layer> layer;
};

std::unique_ptr<Layer> make_layer(const nlohmann::json& settings) {
  const std::string kind = settings.at("layer");
  if (kind == "linear") return std::make_unique<Linear>("linear", settings.at("width"), settings.at("out"), Init{});
  if (kind == "norm") {
    const nlohmann::json& norm = settings.at("norm");
    return make_norm("norm", settings.at("width"),
                     {norm.at("kind") == "rms" ? NormKind::kRms : NormKind::kLayer, NormPlace::kPre, norm.at("epsilon")});
  }
  const ModelSettings m = golden_model(settings);
  auto whole = std::make_unique<WithPosition>(m);
  const SelfAttention::Settings attention{m.width, m.heads, m.attention_of(0), 0, {}, 0, &whole->position};
  const FeedForward::Settings feed_forward{m.width, m.hidden, m.activation, 0, {}};
  if (kind == "feed_forward") return std::make_unique<FeedForward>("block.feed_forward", 0, feed_forward);
  if (kind == "attention") {
    whole->layer = std::make_unique<SelfAttention>("block.attention", 0, attention);
  } else {
    REQUIRE(kind == "block");
    whole->layer = std::make_unique<Block>("block", 0, Block::Settings{m.norm, attention, feed_forward, 0});
  }
  return whole;
}

// A layer alone, over memory of its own.
class Bench {
 public:
  Bench(const Golden& golden) : ops_(make_backend(device_under_test())), layer_(make_layer(golden.settings)) {
    Batch batch;
    const std::vector<int32_t> offsets = golden.whole("offsets");
    batch.offsets.assign(offsets.begin(), offsets.end());
    batch.tokens.assign(size_t(offsets.back()), 0);
    plan_.extent = {batch.size(), batch.sequence_count(), 0, 0, 0};
    for (int64_t b = 0; b < batch.sequence_count(); ++b) {
      plan_.extent.longest = std::max(plan_.extent.longest, batch.length(b));
      plan_.extent.pairs += batch.length(b) * batch.length(b);
    }
    layer_->plan(plan_);
    for (Arena* arena : {&plan_.params, &plan_.grads, &plan_.activations, &plan_.gradients, &plan_.tables}) {
      memory_.push_back(ops_->allocate(arena->peak()));
      arena->bind(memory_.back()->data);
    }
    plan_.parameters.clear(), plan_.constants.clear(), plan_.states.clear();
    layer_->plan(plan_);
    for (const Table& table : plan_.constants)
      for (int64_t i = 0; i < table.at.rows; ++i)
        for (int64_t j = 0; j < table.at.cols; ++j)
          ops_->write(table.at.slice(i, 1).columns(j, 1), std::vector{Real(table.f(i, j))});
    inputs_.load(*ops_, batch, 0);
    for (const NamedParameter& p : plan_.parameters) copy(p.at.value, golden.numbers(p.name));
    for (const NamedState& s : plan_.states) copy(s.value.columns(0, s.shape.back()), golden.numbers(s.name));
  }
  const std::vector<NamedParameter>& parameters() const { return plan_.parameters; }
  const std::vector<NamedState>& states() const { return plan_.states; }

  std::vector<double> forward(const std::vector<double>& x) {
    Step step{*ops_, inputs_};
    return numbers(layer_->forward(step, input(x)));
  }
  std::vector<double> backward(const std::vector<double>& dy) {
    Step step{*ops_, inputs_};
    return numbers(layer_->backward(step, input(dy)));
  }
  std::vector<double> numbers(Tensor x) const {
    std::vector<Real> out(size_t(x.size()));
    ops_->read(out, x);
    return {out.begin(), out.end()};
  }

 private:
  void copy(Tensor y, const std::vector<double>& x) const {
    REQUIRE(int64_t(x.size()) == y.size());
    ops_->write(y, std::vector<Real>(x.begin(), x.end()));
  }
  Tensor input(const std::vector<double>& x) {
    const int64_t N = plan_.extent.tokens, D = int64_t(x.size()) / N;
    memory_.push_back(ops_->allocate(N * D));
    const Tensor at{memory_.back()->data, N, D, D};
    copy(at, x);
    return at;
  }

  std::unique_ptr<Backend> ops_;
  std::unique_ptr<Layer> layer_;
  Plan plan_;
  Inputs inputs_;
  std::vector<std::unique_ptr<Memory>> memory_;
};

}  // namespace

TEST_CASE("every layer computes what PyTorch computes") {
  const std::vector<Golden> goldens = read_goldens("layer");
  CHECK(goldens.size() >= 31);
  for (const Golden& golden : goldens) {
    INFO(golden.name);
    Bench bench(golden);
    CHECK(golden_error(bench.forward(golden.numbers("x")), golden.numbers("y")) < kTolerance);
    CHECK(golden_error(bench.backward(golden.numbers("dy")), golden.numbers("dx")) < kTolerance);
    CHECK(bench.parameters().size() * 2 + bench.states().size() + 5 == golden.file.tensors.size());  // x, dy, y, dx, offsets
    for (const NamedParameter& p : bench.parameters()) {
      INFO(p.name);
      CHECK(golden_error(bench.numbers(p.at.grad), golden.numbers("gradient." + p.name)) < kTolerance);
    }
  }
}

}  // namespace vitrine::inline VITRINE_PRECISION
