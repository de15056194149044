// The whole model, twenty steps of training and the schedules against PyTorch, in float and in double.
#include <algorithm>

#include "support/catch.h"
#include "support/golden.h"
#include "train/engine.h"
#include "train/schedule.h"

namespace vitrine {
namespace {

double tolerance(Precision precision) { return precision == Precision::kFloat64 ? kGoldenFloat64 : kGoldenFloat32; }

// How a batch is cut changes only rounding: the same goldens hold whole and in pieces.
struct Cut {
  int64_t micro_batch, lanes;
};
constexpr Cut kCuts[] = {{1000, 1}, {1, 1}, {9, 2}, {5, 3}, {5, 4}};

std::vector<nlohmann::json> heads_of(const Golden& golden) {
  if (golden.settings.contains("objectives")) return golden.settings.at("objectives");
  return {golden.settings.at("objective")};
}

// What the tensors of head k begin with: nothing where there is one.
std::string head_prefix(const EngineSettings& settings, size_t k) {
  return settings.objectives.size() > 1 ? std::to_string(k) + "." : "";
}

Targets targets_of(const Golden& golden, const std::string& prefix, const std::vector<double>& class_weights) {
  Targets targets;
  if (golden.has(prefix + "rows")) targets.rows = golden.whole(prefix + "rows");
  if (golden.has(prefix + "values")) targets.values = golden.numbers(prefix + "values");
  targets.classes = golden.whole(prefix + "classes");
  for (int32_t c : targets.classes)
    if (c >= 0) targets.weight += class_weights.empty() ? 1 : class_weights[size_t(c)];
  return targets;
}

Batch batch_of(const Golden& golden, const std::string& prefix, const EngineSettings& settings) {
  Batch batch;
  batch.tokens = golden.whole(prefix + "tokens");
  if (golden.has(prefix + "types")) batch.types = golden.whole(prefix + "types");
  const std::vector<int32_t> offsets = golden.whole(prefix + "offsets");
  batch.offsets.assign(offsets.begin(), offsets.end());
  for (int64_t b = 0; b < batch.sequence_count(); ++b) batch.sequences.push_back(b);
  for (size_t k = 0; k < settings.objectives.size(); ++k)
    batch.targets.push_back(targets_of(golden, prefix + head_prefix(settings, k), settings.class_weights[k]));
  return batch;
}

EngineSettings engine_settings(const Golden& golden, Cut cut) {
  EngineSettings settings;
  settings.model = golden_model(golden.settings.at("model"));
  settings.objectives.clear();
  const nlohmann::json& classes = golden.settings.at("classes");
  for (const nlohmann::json& head : heads_of(golden)) {
    settings.classes.push_back(classes.is_array() ? classes.at(settings.objectives.size()) : classes);
    settings.objectives.push_back(golden_objective(head));
    settings.objectives.back().rate = 0.4;  // memory for as many targets as the batches have
    settings.class_weights.push_back(head.at("class_weights").get<std::vector<double>>());
  }
  settings.vocabulary = golden.settings.at("vocabulary");
  settings.longest = settings.model.max_length;
  settings.batch_tokens = 32, settings.batch_sequences = 8;
  settings.threads = 2;
  settings.training.micro_batch = cut.micro_batch, settings.training.lanes = cut.lanes;
  return settings;
}

// All activations that goldens name, put together from the pieces that the probe is shown.
class Recorder : public Probe {
 public:
  Recorder(const Batch& batch, int64_t layers, int64_t heads) : batch_(batch), layers_(layers), heads_(heads) {}

  bool wants(std::string_view name) const override {
    return name == "embedding" || name.ends_with(".residual") || name.ends_with(".attention.weights");
  }
  void visit(std::string_view name, const Place& place, Values& values) override {
    std::string key(name);
    int64_t first = place.first_row * values.cols(), size = batch_.size() * values.cols();
    for (int64_t l = 0; l < layers_; ++l) {
      const std::string block = "blocks." + std::to_string(l) + ".";
      if (name == block + "residual") key = "hidden." + std::to_string(l);
      if (name == block + "attention.weights") {
        const int64_t T = batch_.length(place.first_sequence);
        key = "attention." + std::to_string(l) + "." + std::to_string(place.first_sequence);
        first = place.head * T * T, size = heads_ * T * T;
      }
    }
    std::vector<double>& all = seen[key];
    all.resize(size_t(size));
    for (int64_t i = 0; i < values.rows(); ++i)
      values.read(i, 0, std::span(all).subspan(size_t(first + i * values.cols()), size_t(values.cols())));
  }
  std::map<std::string, std::vector<double>> seen;

 private:
  const Batch& batch_;
  int64_t layers_, heads_;
};

}  // namespace

TEST_CASE("every model and objective computes what PyTorch computes") {
  const std::vector<Golden> goldens = read_goldens("model");
  CHECK(goldens.size() >= 21);
  const Precision precision = GENERATE(Precision::kFloat64, Precision::kFloat32);
  const double limit = tolerance(precision);
  for (const Golden& golden : goldens)
    for (const Cut cut : kCuts) {
      INFO(golden.name << ", micro-batch " << cut.micro_batch << ", lanes " << cut.lanes
                       << (limit < 1e-6 ? ", double" : ", float"));
      const EngineSettings settings = engine_settings(golden, cut);
      const Batch batch = batch_of(golden, "", settings);
      const auto engine = make_engine(precision, settings);
      CHECK(engine->set_parameters(golden.file, true).empty());

      ForwardResult result;
      Recorder recorder(batch, settings.model.layers, settings.model.heads);
      engine->forward(batch, result, Want::kLogits, &recorder);
      for (size_t k = 0; k < settings.objectives.size(); ++k) {
        const std::string head = head_prefix(settings, k);
        CHECK(golden_error(result[k].logits, golden.numbers(head + "logits")) < limit);
        if (settings.objectives[k].label_smoothing == 0 && settings.class_weights[k].empty())
          CHECK(golden_error(result[k].losses, golden.numbers(head + "losses")) < limit);
      }
      size_t compared = 0;
      for (const NamedTensor& tensor : golden.file.tensors)
        if (tensor.name == "embedding" || tensor.name.starts_with("hidden.") || tensor.name.starts_with("attention.")) {
          INFO(tensor.name);
          CHECK(golden_error(recorder.seen[tensor.name], tensor.as_double()) < limit);
          ++compared;
        }
      CHECK(compared == size_t(1 + settings.model.layers * (1 + batch.sequence_count())));

      const double loss = engine->gradients_of(batch);
      CHECK(golden_error({loss}, golden.numbers("loss")) < limit);
      size_t gradients = 0;
      for (const NamedTensor& gradient : engine->gradients()) {
        INFO(gradient.name);
        CHECK(golden_error(gradient.as_double(), golden.numbers("gradient." + gradient.name)) < limit);
        CHECK(gradient.shape == golden.file.at(gradient.name).shape);
        ++gradients;
      }
      CHECK(gradients == golden.below("gradient.").tensors.size());
    }
}

TEST_CASE("twenty steps of training go where PyTorch goes") {
  const std::vector<Golden> goldens = read_goldens("training");
  CHECK(goldens.size() >= 4);
  const Precision precision = GENERATE(Precision::kFloat64, Precision::kFloat32);
  const bool exact = precision == Precision::kFloat64;
  for (const Golden& golden : goldens)
    for (const Cut cut : {kCuts[0], kCuts[2]}) {
      INFO(golden.name << ", lanes " << cut.lanes << (exact ? ", double" : ", float"));
      EngineSettings settings = engine_settings(golden, cut);
      const nlohmann::json& optimizer = golden.settings.at("optimizer");
      const std::string kind = optimizer.at("kind");
      settings.optimizer.kind = kind == "adamw"  ? OptimizerKind::kAdamw
                                : kind == "adam" ? OptimizerKind::kAdam
                                                 : OptimizerKind::kSgd;
      settings.optimizer.weight_decay = optimizer.at("weight_decay");
      if (settings.optimizer.kind == OptimizerKind::kSgd) {
        settings.optimizer.momentum = optimizer.at("momentum");
      } else {
        settings.optimizer.beta1 = optimizer.at("betas")[0], settings.optimizer.beta2 = optimizer.at("betas")[1];
        settings.optimizer.epsilon = optimizer.at("epsilon");
      }
      settings.training.clip = golden.settings.at("clip");
      const auto engine = make_engine(precision, settings);
      engine->set_parameters(golden.file, true);

      const std::vector<double> rates = golden.numbers("learning_rates");
      std::vector<double> losses, norms;
      for (int64_t step = 1; step <= golden.settings.at("steps"); ++step) {
        const Batch batch = batch_of(golden, std::to_string(step) + ".", settings);
        const StepReport report = engine->train_step(batch, step, rates[size_t(step - 1)]);
        losses.push_back(report.loss), norms.push_back(report.gradient_norm);
      }
      // Rounding adds up over the steps, and Adam divides that of gradients that are exactly zero (those of key biases) by ε.
      const double limit = exact ? 1e-9 : 10 * kGoldenFloat32;
      CHECK(golden_error(losses, golden.numbers("losses")) < limit);
      CHECK(golden_error(norms, golden.numbers("gradient_norms")) < limit);
      if (!exact) continue;  // there it becomes real steps
      for (const NamedTensor& parameter : engine->parameters()) {
        INFO(parameter.name);
        CHECK(golden_error(parameter.as_double(), golden.numbers("after." + parameter.name)) < limit);
      }
    }
}

TEST_CASE("schedules give PyTorch's learning rates") {
  const Golden golden = read_golden("schedules.safetensors");
  const double peak = golden.settings.at("learning_rate");
  const int64_t steps = golden.settings.at("steps");
  const std::map<std::string, ScheduleKind> kinds{{"constant", ScheduleKind::kConstant},
                                                  {"linear", ScheduleKind::kLinear},
                                                  {"cosine", ScheduleKind::kCosine},
                                                  {"inverse_sqrt", ScheduleKind::kInverseSqrt}};
  CHECK(golden.settings.at("cases").size() == 16);
  for (const nlohmann::json& one : golden.settings.at("cases")) {
    INFO(one.dump());
    const ScheduleSettings schedule{kinds.at(one.at("kind")), one.at("warmup_steps"), one.at("final_ratio")};
    const std::vector<double> expected = golden.numbers(one.at("name"));
    for (int64_t s = 1; s <= steps; ++s)
      CHECK(learning_rate_at(schedule, peak, s, steps) == Approx(expected[size_t(s - 1)]).epsilon(1e-12).margin(1e-15));
  }
}

}  // namespace vitrine
