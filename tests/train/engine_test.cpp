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

// The objectives of one model; weights 1, 0.75, 0.5, …
struct Heads {
  std::vector<ObjectiveKind> kinds;
  Heads(ObjectiveKind kind) : kinds{kind} {}
  Heads(std::initializer_list<ObjectiveKind> list) : kinds(list) {}
  bool has(ObjectiveKind kind) const { return std::find(kinds.begin(), kinds.end(), kind) != kinds.end(); }
};
double weight_of(size_t k) { return 1 - 0.25 * double(k); }

bool of_tokens(ObjectiveKind kind) {
  return kind == ObjectiveKind::kMaskedLm || kind == ObjectiveKind::kCausalLm || kind == ObjectiveKind::kTokenClassification;
}

int64_t classes_of(ObjectiveKind kind) {
  if (kind == ObjectiveKind::kRegression) return 1;
  return kind == ObjectiveKind::kMaskedLm || kind == ObjectiveKind::kCausalLm ? kVocabulary : kClasses;
}

EngineSettings settings_for(const Heads& heads, int64_t lanes = 2, int threads = 1) {
  EngineSettings s;
  s.model.width = 12, s.model.layers = 2, s.model.heads = 3, s.model.hidden = 20, s.model.max_length = 9;
  s.model.dropout = {0.1, 0.1, 0.1, 0.1};
  s.model.attention[0].causal = heads.has(ObjectiveKind::kCausalLm);
  s.objectives.resize(heads.kinds.size());
  for (size_t k = 0; k < heads.kinds.size(); ++k) {
    s.objectives[k].kind = heads.kinds[k];
    s.objectives[k].weight = weight_of(k);
    s.class_weights.emplace_back();
    s.classes.push_back(classes_of(heads.kinds[k]));
  }
  s.vocabulary = kVocabulary;
  s.training.lanes = lanes;
  s.training.clip = 1;
  s.threads = threads;
  s.shortest = 1, s.longest = 9;
  s.batch_tokens = 9 * 13, s.batch_sequences = 13;
  return s;
}

// Thirteen sequences of mixed lengths; batch `n` differs from every other.
Batch make_batch(const Heads& heads, uint32_t n) {
  Batch batch;
  batch.targets.resize(heads.kinds.size());
  for (uint32_t b = 0; b < 13; ++b) {
    const uint32_t T = 1 + RngKey{1, 1, n}.below(9, b, 0);
    for (uint32_t i = 0; i < T; ++i) {
      const int32_t row = int32_t(batch.size());
      batch.tokens.push_back(int32_t(RngKey{1, 2, n}.below(kVocabulary, uint32_t(row), 0)));
      for (size_t k = 0; k < heads.kinds.size(); ++k) {
        const ObjectiveKind kind = heads.kinds[k];
        const bool predicted = kind == ObjectiveKind::kCausalLm              ? i + 1 < T
                               : kind == ObjectiveKind::kTokenClassification ? i % 3 != 1
                                                                             : i == T / 2;
        if (!of_tokens(kind) || !predicted) continue;
        batch.targets[k].rows.push_back(row);
        batch.targets[k].classes.push_back(
            int32_t(RngKey{1, 3, n}.below(uint32_t(classes_of(kind)), uint32_t(row), uint32_t(k))));
      }
    }
    for (size_t k = 0; k < heads.kinds.size(); ++k) {
      const ObjectiveKind kind = heads.kinds[k];
      if (of_tokens(kind)) continue;
      const bool classifier = kind == ObjectiveKind::kSequenceClassification;
      batch.targets[k].classes.push_back(classifier ? int32_t(RngKey{1, 4, n}.below(kClasses, b, 0)) : 0);
      for (int64_t c = 0; !classifier && c < classes_of(kind); ++c)
        batch.targets[k].values.push_back(kind == ObjectiveKind::kRegression ? RngKey{1, 5, n}.normal(b, 0)
                                                                             : RngKey{1, 5, n}.below(2, b, uint32_t(c)));
    }
    batch.offsets.push_back(batch.size());
    batch.sequences.push_back(b);
  }
  for (Targets& t : batch.targets) t.weight = double(t.classes.size());
  return batch;
}

std::vector<std::byte> bits_of(const Engine& engine) {
  std::vector<std::byte> bits;
  for (const auto& list : {engine.parameters(), engine.optimizer_state()})
    for (const NamedTensor& t : list) bits.insert(bits.end(), t.bytes.begin(), t.bytes.end());
  return bits;
}

std::vector<std::byte> train(Engine& engine, const Heads& kind, int64_t first, int64_t last) {
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

// Each one alone, and all that go together on one encoder.
const std::vector<Heads> kAllObjectives = {ObjectiveKind::kMaskedLm,
                                           ObjectiveKind::kCausalLm,
                                           ObjectiveKind::kSequenceClassification,
                                           ObjectiveKind::kTokenClassification,
                                           ObjectiveKind::kMultiLabelClassification,
                                           ObjectiveKind::kRegression,
                                           {ObjectiveKind::kTokenClassification, ObjectiveKind::kSequenceClassification,
                                            ObjectiveKind::kMultiLabelClassification, ObjectiveKind::kRegression},
                                           {ObjectiveKind::kRegression, ObjectiveKind::kMaskedLm}};

// Attention that keeps a state.
AttentionSettings performer_settings() {
  AttentionSettings s;
  s.kind = AttentionKind::kPerformer, s.features = 6, s.redraw = 2;
  return s;
}
AttentionSettings routing_settings() {
  AttentionSettings s;
  s.kind = AttentionKind::kRouting, s.clusters = 3, s.decay = 0.9;
  return s;
}
const std::vector<std::vector<AttentionSettings>> kWithState = {
    {performer_settings()}, {routing_settings()}, {routing_settings(), performer_settings()}};

const NamedTensor& find_tensor(const std::vector<NamedTensor>& list, const std::string& name) {
  const auto found = std::find_if(list.begin(), list.end(), [&](const NamedTensor& t) { return t.name == name; });
  REQUIRE(found != list.end());
  return *found;
}

}  // namespace

TEST_CASE("any number of threads gives the same bits") {
  for (const Heads& kind : kAllObjectives)
    for (const int64_t lanes : {1, 3, 4}) {
      CAPTURE(int(kind.kinds[0]), kind.kinds.size(), lanes);
      const auto one = train(*make_engine(Precision::kFloat32, settings_for(kind, lanes, 1)), kind, 1, 4);
      for (const int threads : {2, 3, 4}) {
        CAPTURE(threads);
        CHECK(train(*make_engine(Precision::kFloat32, settings_for(kind, lanes, threads)), kind, 1, 4) == one);
      }
    }
}

// Sequences [first, last) of a batch, one after the other in the order given.
static Batch gather(const Batch& batch, const std::vector<int64_t>& order) {
  Batch out, one;
  out.targets.resize(batch.targets.size());
  for (const int64_t b : order) {
    batch.slice(b, b + 1, one);
    const auto first = int32_t(out.size());
    out.tokens.insert(out.tokens.end(), one.tokens.begin(), one.tokens.end());
    out.offsets.push_back(out.size());
    out.sequences.push_back(b);
    for (size_t k = 0; k < one.targets.size(); ++k) {
      for (const int32_t row : one.targets[k].rows) out.targets[k].rows.push_back(first + row);
      const auto append = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
      append(out.targets[k].classes, one.targets[k].classes);
      append(out.targets[k].values, one.targets[k].values);
    }
  }
  return out;
}

TEST_CASE("what a sequence is given does not depend on the sequences beside it, not in one bit") {
  for (const Precision precision : {Precision::kFloat32, Precision::kFloat64})
    for (const AttentionImplementation how : {AttentionImplementation::kDense, AttentionImplementation::kFused})
      for (const Heads& kind : kAllObjectives) {
        CAPTURE(int(precision), int(how), int(kind.kinds[0]), kind.kinds.size());
        EngineSettings settings = settings_for(kind);
        settings.model.attention[0].implementation = how;
        settings.model.width = 48, settings.model.hidden = 300;  // more than one block of a product
        for (ObjectiveSettings& o : settings.objectives) o.rate = 1;
        const Batch batch = make_batch(kind, 3);
        const auto engine = make_engine(precision, settings);
        settings.training.lanes = 3, settings.training.micro_batch = 20;
        const auto other = make_engine(precision, settings);
        scatter_parameters(*engine), scatter_parameters(*other);
        // [b][k]: the logits of the targets of sequence b
        const auto logits_of = [&](Engine& e, const std::vector<int64_t>& order) {
          std::vector<std::vector<std::vector<double>>> all(13);
          ForwardResult result;
          e.forward(gather(batch, order), result, Want::kLogits);
          std::vector<size_t> at(kind.kinds.size(), 0);
          for (const int64_t b : order)
            for (size_t k = 0; k < at.size(); ++k) {
              const size_t n = gather(batch, {b}).targets[k].classes.size() * size_t(result[k].classes);
              const auto first = result[k].logits.begin() + int64_t(at[k]);
              all[size_t(b)].emplace_back(first, first + int64_t(n));
              at[k] += n;
            }
          return all;
        };
        std::vector<int64_t> order(13);
        for (int64_t b = 0; b < 13; ++b) order[size_t(b)] = b;
        const auto together = logits_of(*engine, order);
        CHECK(logits_of(*other, order) == together);
        std::reverse(order.begin(), order.end());
        std::swap(order[2], order[9]);
        CHECK(logits_of(*engine, order) == together);
        for (int64_t b = 0; b < 13; ++b) CHECK(logits_of(*engine, {b})[size_t(b)] == together[size_t(b)]);
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
  for (const Heads& kind : kAllObjectives) {
    std::vector<NamedTensor> first;
    for (const int64_t lanes : {1, 2, 4})
      for (const int64_t micro_batch : {9, 20, 1000}) {
        CAPTURE(int(kind.kinds[0]), kind.kinds.size(), lanes, micro_batch);
        EngineSettings settings = settings_for(kind, lanes);
        settings.training.micro_batch = micro_batch;
        const auto engine = make_engine(Precision::kFloat64, settings);
        engine->train_step(make_batch(kind, 1), 1, 0.01);
        if (first.empty()) first = engine->gradients();
        CHECK(worst_difference(engine->gradients(), first) < 1e-14);
      }
  }
}

// What layers keep from step to step beside parameters: it is the same on any number of threads, a micro-batch changes only its rounding, and it
// goes with the parameters when an engine takes over.
TEST_CASE("states of layers are as repeatable as parameters") {
  const ObjectiveKind kind = ObjectiveKind::kMaskedLm;
  for (const std::vector<AttentionSettings>& attention : kWithState) {
    CAPTURE(int(attention[0].kind), attention.size());
    EngineSettings settings = settings_for(kind, 3);
    settings.model.attention = attention;
    const auto whole = make_engine(Precision::kFloat32, settings);
    const std::vector<NamedTensor> start = whole->parameters();
    const auto expected = train(*whole, kind, 1, 7);
    for (const NamedTensor& before : start)  // a state moves, as parameters do
    {
      const std::vector<NamedTensor> now = whole->parameters();
      CHECK(find_tensor(now, before.name).bytes != before.bytes);
    }
    for (const int threads : {2, 3}) {
      settings.threads = threads;
      CHECK(train(*make_engine(Precision::kFloat32, settings), kind, 1, 7) == expected);
    }
    const auto before = make_engine(Precision::kFloat32, settings), after = make_engine(Precision::kFloat32, settings);
    train(*before, kind, 1, 3);
    after->set_parameters({before->parameters(), {}}, false);
    after->set_optimizer_state({before->optimizer_state(), {}});
    ForwardResult left, right;
    before->forward(make_batch(kind, 9), left), after->forward(make_batch(kind, 9), right);
    CHECK(left[0].losses == right[0].losses);
    CHECK(train(*after, kind, 4, 7) == expected);

    std::vector<NamedTensor> first;
    for (const int64_t lanes : {1, 3})
      for (const int64_t micro_batch : {9, 20, 1000}) {
        settings.training.lanes = lanes, settings.training.micro_batch = micro_batch;
        const auto engine = make_engine(Precision::kFloat64, settings);
        train(*engine, kind, 1, 2);
        if (first.empty()) first = engine->parameters();
        CHECK(worst_difference(engine->parameters(), first) < 1e-10);
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
  for (const Heads& kind : kAllObjectives)
    for (const bool post : {false, true}) {
      CAPTURE(int(kind.kinds[0]), kind.kinds.size(), post);
      EngineSettings settings = settings_for(kind);
      settings.model.norm.place = post ? NormPlace::kPost : NormPlace::kPre;
      settings.model.embedding_norm = post;
      for (ObjectiveSettings& o : settings.objectives) o.transform = o.pooler = post, o.label_smoothing = 0.1;
      settings.model.token_types = 2;
      const auto engine = make_engine(Precision::kFloat64, settings);
      Batch batch = make_batch(kind, 3);
      for (int64_t i = 0; i < batch.size(); ++i) batch.types.push_back(int32_t(i % 5 < 2));
      scatter_parameters(*engine);
      engine->gradients_of(batch);
      const std::vector<NamedTensor> gradients = engine->gradients();
      double largest = 0;
      for (const NamedTensor& g : gradients)
        for (double v : g.as_double()) largest = std::max(largest, std::fabs(v));
      for (const NamedTensor& g : gradients) {
        const std::vector<double> values = g.as_double();
        for (size_t i = 0; i < values.size(); i += 1 + values.size() / 5) {
          const double start = engine->get(g.name, int64_t(i)), h = 1e-4;
          const auto at = [&](double shift) {
            engine->set(g.name, int64_t(i), start + shift);
            return engine->loss_of(batch);
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
  for (const Heads& kind : kAllObjectives) {
    CAPTURE(int(kind.kinds[0]), kind.kinds.size());
    const auto engine = make_engine(Precision::kFloat32, settings_for(kind, 2, 2));
    std::vector<Batch> batches;
    for (uint32_t n = 1; n <= 6; ++n) batches.push_back(make_batch(kind, n));
    for (uint32_t n = 1; n <= 6; ++n) engine->train_step(batches[n - 1], n, 0.01);  // every size has been seen once
    const int64_t before = allocation_count();
    for (uint32_t n = 7; n <= 12; ++n) engine->train_step(batches[n - 7], n, 0.01);
    CHECK(allocation_count() == before);
  }
}

TEST_CASE("evaluation: losses, arg max and logits of every target of every head in batch order") {
  for (const Heads& heads : kAllObjectives) {
    EngineSettings settings = settings_for(heads, 3, 2);
    for (size_t k = 0; k < heads.kinds.size(); ++k) {  // they change what is trained, and nothing here
      settings.objectives[k].label_smoothing = 0.3;
      if (settings.classes[k] == kClasses) settings.class_weights[k].assign(kClasses, 2.5);
    }
    const auto engine = make_engine(Precision::kFloat32, settings);
    const Batch batch = make_batch(heads, 5);
    ForwardResult result, without;
    engine->forward(batch, result, Want::kLogits);
    engine->forward(batch, without);
    REQUIRE(result.size() == heads.kinds.size());
    for (size_t k = 0; k < result.size(); ++k) {
      const Targets& t = batch.targets[k];
      const HeadResult& r = result[k];
      const bool numbers = !t.values.empty();
      REQUIRE(r.losses.size() == t.classes.size());
      CHECK(without[k].losses == r.losses);
      CHECK(without[k].logits == (numbers ? r.logits : std::vector<double>()));
      const size_t C = size_t(r.classes);
      for (size_t m = 0; m < t.classes.size(); ++m) {
        const double* z = r.logits.data() + m * C;
        double sum = 0;
        if (heads.kinds[k] == ObjectiveKind::kRegression) {
          CHECK(r.losses[m] == Approx(std::pow(z[0] - t.values[m], 2)).epsilon(1e-4).margin(1e-6));
        } else if (numbers) {
          for (size_t c = 0; c < C; ++c) sum += std::log(1 + std::exp(t.values[m * C + c] > 0 ? -z[c] : z[c]));
          CHECK(r.losses[m] == Approx(sum / double(C)).epsilon(1e-5));
        } else {
          for (size_t c = 0; c < C; ++c) sum += std::exp(z[c]);
          CHECK(r.losses[m] == Approx(std::log(sum) - z[t.classes[m]]).epsilon(1e-5));
          CHECK(r.predictions[m] == int32_t(std::max_element(z, z + C) - z));
        }
      }
    }
  }
}

TEST_CASE("the loss of several heads is the sum of theirs, each times its weight, and so are the gradients") {
  const Heads both{ObjectiveKind::kTokenClassification, ObjectiveKind::kRegression};
  const auto engine = make_engine(Precision::kFloat64, settings_for(both));
  scatter_parameters(*engine);
  const Batch batch = make_batch(both, 2);
  const double loss = engine->gradients_of(batch);
  const SafeTensors gradients{engine->gradients(), {}};
  double sum = 0;
  std::vector<double> added(12 * kVocabulary);
  for (size_t k = 0; k < 2; ++k) {
    EngineSettings alone = settings_for(both.kinds[k]);
    const auto one = make_engine(Precision::kFloat64, alone);
    SafeTensors parameters;
    for (const NamedTensor& own : one->parameters())
      for (const NamedTensor& theirs : engine->parameters())
        if (own.name == theirs.name) parameters.tensors.push_back(theirs);
    one->set_parameters(parameters, false);
    Batch part = batch;
    part.targets = {batch.targets[k]};
    sum += weight_of(k) * one->gradients_of(part);
    const std::vector<double> g = SafeTensors{one->gradients(), {}}.at("embedding.token.weight").as_double();
    for (size_t i = 0; i < g.size(); ++i) added[i] += weight_of(k) * g[i];
  }
  CHECK(loss == Approx(sum).epsilon(1e-12));
  const std::vector<double> together = gradients.at("embedding.token.weight").as_double();
  for (size_t i = 0; i < together.size(); ++i) CHECK(together[i] == Approx(added[i]).margin(1e-14));
}

TEST_CASE("a batch of which one head wants nothing still trains the other") {
  const Heads both{ObjectiveKind::kTokenClassification, ObjectiveKind::kSequenceClassification};
  const auto engine = make_engine(Precision::kFloat64, settings_for(both));
  Batch batch = make_batch(both, 2);
  batch.targets[0] = {};
  CHECK(engine->train_step(batch, 1, 0.01).loss > 0);
  const SafeTensors gradients{engine->gradients(), {}};
  for (double g : gradients.at("tagger.weight").as_double()) CHECK(g == 0);
  CHECK(std::fabs(gradients.at("classifier.bias").as_double()[0]) > 0);
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

TEST_CASE("what is planned before anything is taken is what is taken, to the byte") {
  for (const Heads& kind : kAllObjectives)
    for (const OptimizerKind optimizer : {OptimizerKind::kAdamw, OptimizerKind::kSgd}) {
      EngineSettings settings = settings_for(kind, 3);
      settings.optimizer.kind = optimizer;
      const EngineSummary plan = plan_engine(Precision::kFloat32, settings);
      const auto engine = make_engine(Precision::kFloat32, settings);
      int64_t state = 0;
      for (const NamedTensor& t : engine->optimizer_state()) state += int64_t(t.bytes.size());
      CHECK(plan.bytes() == engine->summary().bytes());
      CHECK(plan.bytes_optimizer >= state);  // every tensor starts on a cache line
      CHECK(plan.bytes_optimizer < state + 64 * int64_t(engine->optimizer_state().size()) + 1);
      CHECK(plan.bytes_gradients == 3 * plan.bytes_parameters);
      CHECK(plan_engine(Precision::kFloat64, settings).bytes() == 2 * plan.bytes());
    }
}

TEST_CASE("a profile counts every primitive and changes no bit") {
  const ObjectiveKind kind = ObjectiveKind::kMaskedLm;
  EngineSettings settings = settings_for(kind, 2, 2);
  const auto plain = make_engine(Precision::kFloat32, settings);
  settings.profile = true;
  const auto timed = make_engine(Precision::kFloat32, settings);
  CHECK(train(*plain, kind, 1, 3) == train(*timed, kind, 1, 3));
  CHECK(plain->profile().empty());
  const std::vector<OpProfile> profile = timed->profile();
  int64_t linears = 0;
  for (const OpProfile& op : profile) {
    CHECK(op.calls > 0);
    CHECK(op.seconds >= 0);
    if (op.name == "linear") linears = op.calls;
  }
  CHECK(linears == 3 * 2 * (4 * 2 + 1));  // steps, lanes; projections, output, up, down of two blocks, and the head
  CHECK(std::is_sorted(profile.begin(), profile.end(), [](const auto& a, const auto& b) { return a.seconds > b.seconds; }));
}
