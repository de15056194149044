#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <map>

#include "base/check.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/npy.h"
#include "base/safetensors.h"
#include "cli/session.h"
#include "cli/verbs.h"

namespace vitrine {
namespace {

// hidden.<l> [N,D] after block l, and attention.<l>.<b> [H,T,T] of sequence b.
class ActivationRecorder : public Probe {
 public:
  ActivationRecorder(const ModelSettings& model, const Batch& batch) : width_(model.width), heads_(model.heads), batch_(batch) {
    const auto tokens = static_cast<size_t>(batch.size());
    hidden_.assign(static_cast<size_t>(model.layers), std::vector<double>(tokens * static_cast<size_t>(width_)));
    attention_.resize(hidden_.size());
    for (auto& layer : attention_)
      for (int64_t b = 0; b < batch.sequence_count(); ++b)
        layer.emplace_back(static_cast<size_t>(heads_ * batch.length(b) * batch.length(b)));
  }

  bool wants(std::string_view name) const override { return name.ends_with(".residual") || name.ends_with(".attention.weights"); }

  void visit(std::string_view name, const Place& place, Values& values) override {
    size_t layer = 0;
    std::from_chars(name.data() + 7, name.data() + name.size(), layer);  // after "blocks."
    check(layer < hidden_.size(), "a block of this model");
    const auto cols = static_cast<size_t>(values.cols());
    double* to = nullptr;
    if (place.head < 0) {
      to = hidden_[layer].data() + static_cast<size_t>(place.first_row * width_);
    } else {
      std::vector<double>& maps = attention_[layer][static_cast<size_t>(place.first_sequence)];
      to = maps.data() + static_cast<size_t>(place.head * values.rows() * values.cols());
    }
    for (int64_t i = 0; i < values.rows(); ++i) values.read(i, 0, {to + static_cast<size_t>(i) * cols, cols});
  }

  template <class Add>  // add(name, shape, values)
  void each(Add add) const {
    for (size_t l = 0; l < hidden_.size(); ++l) add(fmt::format("hidden.{}", l), {batch_.size(), width_}, hidden_[l]);
    for (size_t l = 0; l < attention_.size(); ++l)
      for (size_t b = 0; b < attention_[l].size(); ++b) {
        const int64_t T = batch_.length(static_cast<int64_t>(b));
        add(fmt::format("attention.{}.{}", l, b), {heads_, T, T}, attention_[l][b]);
      }
  }

 private:
  int64_t width_, heads_;
  const Batch& batch_;
  std::vector<std::vector<double>> hidden_;                  // [L][N·D]
  std::vector<std::vector<std::vector<double>>> attention_;  // [L][B][H·T·T]
};

std::vector<int64_t> vector_of(const SafeTensors& file, const std::string& name, const std::string& path) {
  const NamedTensor* t = file.find(name);
  if (t == nullptr) fail(ErrorKind::kData, "{}: has no tensor '{}'", path, name);
  if (t->shape.size() != 1 || t->dtype == Dtype::kF32 || t->dtype == Dtype::kF64)
    fail(ErrorKind::kData, "{}: '{}' is not one row of integers", path, name);
  return t->as_int();
}

void check_values(const std::vector<int64_t>& values, int64_t least, int64_t end, const std::string& name,
                  const std::string& path) {
  for (size_t i = 0; i < values.size(); ++i)
    if (values[i] < least || values[i] >= end)
      fail(ErrorKind::kData, "{}: {}[{}] is {}; expected {} to {}", path, name, i, values[i], least, end - 1);
}

// One tensor a head, with the objective's name and a point before its own where there are several heads:
//   language models, token_classification   targets I32 [N], −1: not predicted
//   sequence_classification                 labels I32 [B], −1: unknown
//   multi_label_classification, regression  values [B,C] of 0 and 1, or [B] (scaled)
void read_targets(Targets& t, ObjectiveKind kind, const std::string& prefix, int64_t C, const Batch& batch,
                  const SafeTensors& file, const std::string& path) {
  const bool numbers = kind == ObjectiveKind::kMultiLabelClassification || kind == ObjectiveKind::kRegression;
  const bool sequences = numbers || kind == ObjectiveKind::kSequenceClassification;
  const std::string name = prefix + (numbers ? "values" : sequences ? "labels" : "targets");
  const int64_t expected = sequences ? batch.sequence_count() * (numbers ? C : 1) : batch.size();
  const auto check_size = [&](int64_t size) {
    if (size != expected) fail(ErrorKind::kData, "{}: {} {}, expected {}", path, size, name, expected);
  };
  if (numbers) {
    const NamedTensor* values = file.find(name);
    if (values == nullptr) fail(ErrorKind::kData, "{}: has no tensor '{}'", path, name);
    t.values = values->as_double();
    check_size(std::ssize(t.values));
    t.classes.assign(static_cast<size_t>(batch.sequence_count()), 0);
    return;
  }
  const std::vector<int64_t> targets = vector_of(file, name, path);
  check_size(std::ssize(targets));
  check_values(targets, -1, C, name, path);
  for (size_t i = 0; i < targets.size(); ++i) {
    if (!sequences && targets[i] < 0) continue;
    if (!sequences) t.rows.push_back(static_cast<int32_t>(i));
    t.classes.push_back(static_cast<int32_t>(targets[i]));
  }
}

std::string prefix_of(const Session& s, size_t k) {
  return s.config.objectives.size() > 1 ? fmt::format("{}.", name_of(s.config.objectives[k].kind)) : "";
}

Batch read_batch(const std::string& path, const Session& s) {
  const SafeTensors file = read_safetensors(path);
  const std::vector<int64_t> tokens = vector_of(file, "tokens", path), offsets = vector_of(file, "offsets", path);
  check_values(tokens, 0, s.engine.vocabulary, "tokens", path);
  if (offsets.size() < 2 || offsets.front() != 0 || offsets.back() != std::ssize(tokens))
    fail(ErrorKind::kData, "{}: offsets must begin with 0 and end with the number of tokens, {}", path, tokens.size());
  for (size_t b = 1; b < offsets.size(); ++b)
    if (offsets[b] <= offsets[b - 1]) fail(ErrorKind::kData, "{}: offsets[{}] is not more than the one before", path, b);
  Batch batch;
  batch.tokens.assign(tokens.begin(), tokens.end());
  if (file.find("types") != nullptr) {
    const std::vector<int64_t> types = vector_of(file, "types", path);
    if (types.size() != tokens.size()) fail(ErrorKind::kData, "{}: {} types, expected {}", path, types.size(), tokens.size());
    check_values(types, 0, std::max<int64_t>(1, s.config.model.token_types), "types", path);
    batch.types.assign(types.begin(), types.end());
  }
  batch.offsets = offsets;
  for (int64_t b = 0; b < batch.sequence_count(); ++b) batch.sequences.push_back(b);
  for (size_t k = 0; k < s.targets.size(); ++k)
    read_targets(batch.targets.emplace_back(), s.config.objectives[k].kind, prefix_of(s, k), s.engine.classes[k], batch, file,
                 path);
  s.collator->finish(batch);
  return batch;
}

class GradientsVerb : public Verb {
 public:
  CLI::App* declare(CLI::App& program) override {
    CLI::App* verb =
        program.add_subcommand("gradients", "loss, logits, activations and every gradient of one batch, as safetensors or .npz");
    add_config_argument(*verb, config_, sets_);
    verb->add_option("--out", out_, "the file to write, safetensors or (F.npz) for numpy.load")->required()->type_name("F");
    verb->add_option("--weights", weights_, "parameters (default: the initial ones)")->type_name("W.safetensors");
    verb->add_option(
            "--batch", batch_,
            "tokens I32 [N], offsets I32 [B+1], types I32 [N] if there are any, and targets I32 [N] (-1: not predicted), "
            "labels I32 [B], or values [B,C] or [B]; of several heads each as KIND.targets … (default: the first training "
            "batch)")
        ->type_name("B.safetensors");
    verb->footer(
        "Example, for comparing with an implementation of one's own:\n"
        "  vitrine gradients configs/trec.yaml --batch batch.safetensors --out gradients.safetensors");
    return verb;
  }

  int run() override {
    Session session = make_session(load_config(config_, sets_));
    Batch batch;
    if (batch_.empty())
      session.make_loader()->next(batch);
    else
      batch = read_batch(batch_, session);
    int64_t shortest = batch.size(), longest = 0;
    for (int64_t b = 0; b < batch.sequence_count(); ++b) {
      shortest = std::min(shortest, batch.length(b));
      longest = std::max(longest, batch.length(b));
    }
    EngineSettings settings = engine_settings_of(session.config, session.engine.vocabulary, session.names(), shortest, longest);
    settings.batch_tokens = batch.size();
    settings.batch_sequences = batch.sequence_count();
    for (ObjectiveSettings& o : settings.objectives) o.rate = 1;  // any number of predicted tokens
    const std::unique_ptr<Engine> engine = make_engine(session.config.run.precision, settings);
    if (const std::string origin = initialize(*engine, session.config, session.names()); !origin.empty()) log_info("{}", origin);
    if (!weights_.empty()) engine->set_parameters(read_safetensors(weights_));

    ActivationRecorder recorder(session.config.model, batch);
    ForwardResult result;
    engine->forward(batch, result, Want::kLogits, &recorder);
    const double loss = engine->gradients_of(batch);
    SafeTensors out;
    const bool wide = engine->precision() == Precision::kFloat64;
    const auto add = [&](const std::string& name, std::vector<int64_t> shape, const std::vector<double>& values) {
      if (wide) return void(out.tensors.push_back(NamedTensor::of(name, std::move(shape), std::span<const double>(values))));
      const std::vector<float> narrow(values.begin(), values.end());
      out.tensors.push_back(NamedTensor::of(name, std::move(shape), std::span<const float>(narrow)));
    };
    add("loss", {1}, {loss});
    size_t targets = 0;
    for (size_t k = 0; k < result.size(); ++k) {
      add(prefix_of(session, k) + "logits", {std::ssize(result[k].losses), result[k].classes}, result[k].logits);
      targets += result[k].losses.size();
    }
    recorder.each(add);
    for (NamedTensor& gradient : engine->gradients()) {
      gradient.name = "gradient." + gradient.name;
      out.tensors.push_back(std::move(gradient));
    }
    const size_t count = out.tensors.size();
    if (out_.ends_with(".npz"))
      write_file_atomically(out_, encode_npz(out.tensors));
    else
      write_safetensors(out_, out);
    print(fmt::format("{}: {} tensors; loss {:.10g} over {} targets of {} tokens\n", out_, count, loss, targets, batch.size()));
    return 0;
  }

 private:
  std::string config_, out_, weights_, batch_;
  std::vector<std::string> sets_;
};

}  // namespace

std::unique_ptr<Verb> make_gradients_verb() { return std::make_unique<GradientsVerb>(); }

}  // namespace vitrine
