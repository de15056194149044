#include "train/engine.h"

#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/rng.h"
#include "support/allocation_count.h"
#include "support/catch.h"
#include "support/error_of.h"
#include "train/lanes.h"

using namespace vitrine;

namespace {

constexpr int32_t kVocabulary = 23, kClasses = 4;

EngineSettings settings_for(ObjectiveKind kind, int64_t lanes = 2, int threads = 1) {
  EngineSettings s;
  s.model.width = 12, s.model.layers = 2, s.model.heads = 3, s.model.hidden = 20, s.model.max_length = 9;
  s.model.dropout = {0.1, 0.1, 0.1, 0.1};
  s.model.attention.causal = kind == ObjectiveKind::kCausalLm;
  s.objectives.resize(1);
  s.objectives[0].kind = kind;
  s.class_weights = {{}};
  s.classes = {kind == ObjectiveKind::kSequenceClassification ? kClasses : kVocabulary};
  s.vocabulary = kVocabulary;
  s.training.lanes = lanes;
  s.training.clip = 1;
  s.threads = threads;
  s.shortest = 1, s.longest = 9;
  s.batch_tokens = 9 * 13, s.batch_sequences = 13;
  return s;
}

// Thirteen sequences of mixed lengths; batch `n` differs from every other.
Batch make_batch(ObjectiveKind kind, uint32_t n) {
  Batch batch;
  batch.targets.resize(1);
  Targets& t = batch.targets[0];
  for (uint32_t b = 0; b < 13; ++b) {
    const uint32_t T = 1 + RngKey{1, 1, n}.below(9, b, 0);
    for (uint32_t i = 0; i < T; ++i) {
      const int32_t row = int32_t(batch.size());
      batch.tokens.push_back(int32_t(RngKey{1, 2, n}.below(kVocabulary, uint32_t(row), 0)));
      const bool predicted = kind == ObjectiveKind::kCausalLm ? i + 1 < T : i == T / 2;
      if (kind == ObjectiveKind::kSequenceClassification || !predicted) continue;
      t.rows.push_back(row);
      t.classes.push_back(int32_t(RngKey{1, 3, n}.below(kVocabulary, uint32_t(row), 0)));
    }
    if (kind == ObjectiveKind::kSequenceClassification) t.classes.push_back(int32_t(RngKey{1, 4, n}.below(kClasses, b, 0)));
    batch.offsets.push_back(batch.size());
    batch.sequences.push_back(b);
  }
  t.weight = double(t.classes.size());
  return batch;
}

std::vector<std::byte> bits_of(const Engine& engine) {
  std::vector<std::byte> bits;
  for (const auto& list : {engine.parameters(), engine.optimizer_state()})
    for (const NamedTensor& t : list) bits.insert(bits.end(), t.bytes.begin(), t.bytes.end());
  return bits;
}

std::vector<std::byte> train(Engine& engine, ObjectiveKind kind, int64_t first, int64_t last) {
  for (int64_t step = first; step <= last; ++step) engine.train_step(make_batch(kind, uint32_t(step)), step, 0.01);
  return bits_of(engine);
}

// γ ≠ 1, biases ≠ 0, embeddings not small: nothing that could hide a wrong term.
void scatter_parameters(Engine& engine) {
  for (const NamedTensor& p : engine.parameters()) {
    const std::vector<double> values = p.as_double();
    for (size_t i = 0; i < values.size(); ++i)
      engine.set(p.name, int64_t(i), values[i] + 0.3 * RngKey{9, hash_name(p.name), 0}.normal(uint32_t(i), 0));
  }
}

double worst_difference(const std::vector<NamedTensor>& a, const std::vector<NamedTensor>& b) {
  double worst = 0;
  for (size_t k = 0; k < a.size(); ++k) {
    const std::vector<double> x = a[k].as_double(), y = b[k].as_double();
    for (size_t i = 0; i < x.size(); ++i) worst = std::max(worst, std::fabs(x[i] - y[i]));
  }
  return worst;
}

const auto kAllObjectives = {ObjectiveKind::kMaskedLm, ObjectiveKind::kCausalLm, ObjectiveKind::kSequenceClassification};

}  // namespace

TEST_CASE("any number of threads gives the same bits") {
  for (const ObjectiveKind kind : kAllObjectives)
    for (const int64_t lanes : {1, 3, 4}) {
      CAPTURE(int(kind), lanes);
      const auto one = train(*make_engine(Precision::kFloat32, settings_for(kind, lanes, 1)), kind, 1, 4);
      for (const int threads : {2, 3, 4}) {
        CAPTURE(threads);
        CHECK(train(*make_engine(Precision::kFloat32, settings_for(kind, lanes, threads)), kind, 1, 4) == one);
      }
    }
}

TEST_CASE("an engine that took over parameters and optimizer state goes on with the same bits") {
  const ObjectiveKind kind = ObjectiveKind::kMaskedLm;
  for (const OptimizerKind optimizer : {OptimizerKind::kAdamw, OptimizerKind::kAdam, OptimizerKind::kSgd}) {
    EngineSettings settings = settings_for(kind);
    settings.optimizer.kind = optimizer;
    const auto whole = make_engine(Precision::kFloat32, settings), before = make_engine(Precision::kFloat32, settings),
               after = make_engine(Precision::kFloat32, settings);
    const auto expected = train(*whole, kind, 1, 6);
    train(*before, kind, 1, 3);
    after->set_parameters({before->parameters(), {}}, false);
    after->set_optimizer_state({before->optimizer_state(), {}});
    CHECK(train(*after, kind, 4, 6) == expected);
  }
}

TEST_CASE("lanes and micro-batches change only rounding, dropout masks included") {
  for (const ObjectiveKind kind : kAllObjectives) {
    std::vector<NamedTensor> first;
    for (const int64_t lanes : {1, 2, 4})
      for (const int64_t micro_batch : {9, 20, 1000}) {
        CAPTURE(int(kind), lanes, micro_batch);
        EngineSettings settings = settings_for(kind, lanes);
        settings.training.micro_batch = micro_batch;
        const auto engine = make_engine(Precision::kFloat64, settings);
        engine->train_step(make_batch(kind, 1), 1, 0.01);
        if (first.empty()) first = engine->gradients();
        CHECK(worst_difference(engine->gradients(), first) < 1e-14);
      }
  }
}

TEST_CASE("float and double start from the same numbers and agree within rounding") {
  const ObjectiveKind kind = ObjectiveKind::kCausalLm;
  const auto single = make_engine(Precision::kFloat32, settings_for(kind)),
             both = make_engine(Precision::kFloat64, settings_for(kind));
  CHECK(worst_difference(single->parameters(), both->parameters()) < 1e-8);
  const double a = single->gradients_of(make_batch(kind, 1)), b = both->gradients_of(make_batch(kind, 1));
  CHECK(a == Approx(b).epsilon(1e-6));
  CHECK(worst_difference(single->gradients(), both->gradients()) < 1e-6);
}

TEST_CASE("the whole model's gradients are those of finite differences") {
  for (const ObjectiveKind kind : kAllObjectives)
    for (const bool post : {false, true}) {
      CAPTURE(int(kind), post);
      EngineSettings settings = settings_for(kind);
      settings.model.norm.place = post ? NormPlace::kPost : NormPlace::kPre;
      settings.objectives[0].transform = settings.objectives[0].pooler = settings.model.embedding_norm = post;
      settings.objectives[0].label_smoothing = 0.1;
      settings.model.token_types = 2;
      const auto engine = make_engine(Precision::kFloat64, settings);
      const Batch batch = make_batch(kind, 3);
      scatter_parameters(*engine);
      engine->gradients_of(batch);
      const std::vector<NamedTensor> gradients = engine->gradients();
      double largest = 0;
      for (const NamedTensor& g : gradients)
        for (double v : g.as_double()) largest = std::max(largest, std::fabs(v));
      ForwardResult result;
      const auto loss = [&] {
        engine->forward(batch, result);
        double sum = 0;
        for (double l : result[0].losses) sum += l;
        return sum / batch.targets[0].weight;
      };
      for (const NamedTensor& g : gradients) {
        const std::vector<double> values = g.as_double();
        for (size_t i = 0; i < values.size(); i += 1 + values.size() / 5) {
          const double start = engine->get(g.name, int64_t(i)), h = 1e-4;
          const auto at = [&](double shift) {
            engine->set(g.name, int64_t(i), start + shift);
            return loss();
          };
          const double numeric = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
          engine->set(g.name, int64_t(i), start);
          CAPTURE(g.name, i, values[i], numeric);
          CHECK(std::fabs(values[i] - numeric) <= 1e-7 * std::max(std::fabs(numeric), std::fabs(values[i])) + 1e-9 * largest);
        }
      }
    }
}

TEST_CASE("a training step allocates nothing after the first") {
  for (const ObjectiveKind kind : kAllObjectives) {
    CAPTURE(int(kind));
    const auto engine = make_engine(Precision::kFloat32, settings_for(kind, 2, 2));
    std::vector<Batch> batches;
    for (uint32_t n = 1; n <= 6; ++n) batches.push_back(make_batch(kind, n));
    for (uint32_t n = 1; n <= 6; ++n) engine->train_step(batches[n - 1], n, 0.01);  // every size has been seen once
    const int64_t before = allocation_count();
    for (uint32_t n = 7; n <= 12; ++n) engine->train_step(batches[n - 7], n, 0.01);
    CHECK(allocation_count() == before);
  }
}

TEST_CASE("evaluation: losses, arg max and logits of every target in batch order") {
  for (const ObjectiveKind kind : kAllObjectives) {
    const auto engine = make_engine(Precision::kFloat32, settings_for(kind, 3, 2));
    const Batch batch = make_batch(kind, 5);
    ForwardResult result;
    engine->forward(batch, result, Want::kLogits);
    const Targets& t = batch.targets[0];
    REQUIRE(result[0].losses.size() == t.classes.size());
    const size_t C = size_t(result[0].classes);
    for (size_t m = 0; m < t.classes.size(); ++m) {
      const double* z = result[0].logits.data() + m * C;
      double sum = 0;
      for (size_t c = 0; c < C; ++c) sum += std::exp(z[c]);
      CHECK(result[0].losses[m] == Approx(std::log(sum) - z[t.classes[m]]).epsilon(1e-5));
      CHECK(result[0].predictions[m] == int32_t(std::max_element(z, z + C) - z));
    }
  }
}

TEST_CASE("what is not finite stops training, says where, and leaves the parameters alone") {
  const ObjectiveKind kind = ObjectiveKind::kMaskedLm;
  const auto engine = make_engine(Precision::kFloat32, settings_for(kind));
  engine->set("blocks.1.feed_forward.up.bias", 3, 1e38);
  engine->set("blocks.1.feed_forward.down.weight", 3, 1e3);  // 1e38 · 1e3 overflows
  const auto before = bits_of(*engine);
  const std::string message = error_of(ErrorKind::kDiverged, [&] { engine->train_step(make_batch(kind, 1), 7, 0.01); });
  CHECK_THAT(message, Catch::Contains("step 7, micro-batch 0: the activation `blocks.1.feed_forward` is not finite"));
  CHECK(bits_of(*engine) == before);
}

TEST_CASE("a batch without a predicted token changes nothing but by weight decay") {
  const auto engine = make_engine(Precision::kFloat32, settings_for(ObjectiveKind::kMaskedLm));
  Batch batch = make_batch(ObjectiveKind::kMaskedLm, 1);
  batch.targets[0] = {};
  const StepReport report = engine->train_step(batch, 1, 0.01);
  CHECK(report.loss == 0);
  CHECK(report.gradient_norm == 0);
}

TEST_CASE("parameters are taken over by name and shape") {
  const auto engine = make_engine(Precision::kFloat32, settings_for(ObjectiveKind::kMaskedLm));
  SafeTensors file{engine->parameters(), {}};
  CHECK(file.tensors.front().name == "embedding.token.weight");
  CHECK(file.at("blocks.1.attention.key.weight").shape == std::vector<int64_t>{12, 12});
  CHECK(file.at("blocks.0.feed_forward.up.bias").shape == std::vector<int64_t>{20});
  CHECK(file.find("head.weight") == nullptr);  // tied
  file.tensors.pop_back();
  CHECK_THAT(error_of(ErrorKind::kCheckpoint, [&] { engine->set_parameters(file, false); }),
             Catch::Contains("lacks `head.bias`"));
  CHECK(engine->set_parameters(file, true) == std::vector<std::string>{"head.bias"});
  file.tensors.front().shape = {12, kVocabulary};
  CHECK_THAT(error_of(ErrorKind::kCheckpoint, [&] { engine->set_parameters(file, true); }),
             Catch::Contains("has shape [12, 23]"));
}

TEST_CASE("the layout follows from configuration and data alone") {
  EngineSettings s = settings_for(ObjectiveKind::kMaskedLm, 0);
  s.batch_tokens = 100;
  CHECK(layout_of(s).lanes == 1);
  s.batch_tokens = 1024;
  CHECK(layout_of(s).lanes == 2);
  s.batch_tokens = 100'000;
  CHECK(layout_of(s).lanes == 8);
  s.training.lanes = 4, s.training.micro_batch = 64;
  const Layout layout = layout_of(s);
  CHECK(layout.lanes == 4);
  CHECK(layout.tokens == 64);
  CHECK(layout.pairs == 64 * 9);
}
