#pragma once
#include <cmath>
#include <functional>

#include "base/error.h"
#include "data/loader.h"
#include "train/engine.h"

namespace vitrine {

// One parameter and one number of optimizer state, which remember every batch, rate and step in order; what a step or a forward pass
// says is written by the test.
class FakeEngine : public Engine {
 public:
  std::function<StepReport(int64_t step)> report = [](int64_t step) { return StepReport{1.0 / static_cast<double>(step), 0.5}; };
  std::function<void(const Batch&, HeadResult&)> answer;
  double weight = 1, momentum = 0;
  int64_t steps_done = 0;

  const EngineSummary& summary() const override { return summary_; }
  Precision precision() const override { return Precision::kFloat64; }
  StepReport train_step(const Batch& batch, int64_t step, double learning_rate) override {
    const StepReport result = report(step);
    double digest = 0;
    for (int64_t b = 0; b < batch.sequence_count(); ++b)
      digest = digest * 0.7 + static_cast<double>(batch.sequences[static_cast<size_t>(b)]);
    momentum = 0.9 * momentum + digest;
    weight = 0.5 * weight + learning_rate * momentum + 0.01 * static_cast<double>(step);
    ++steps_done;
    return result;
  }
  void forward(const Batch& batch, ForwardResult& result, Want, Probe*) override {
    result.resize(1);
    answer(batch, result[0]);
  }
  double loss_of(const Batch&) override { return 0; }
  double gradients_of(const Batch&, Probe*) override { return 0; }
  std::vector<OpProfile> profile() const override { return {}; }
  std::vector<NamedTensor> parameters() const override { return {one("weight", weight)}; }
  std::vector<NamedTensor> gradients() const override { return {}; }
  std::vector<NamedTensor> optimizer_state() const override { return {one("momentum", momentum)}; }
  std::vector<std::string> set_parameters(const SafeTensors& file, bool) override {
    weight = file.at("weight").as_double()[0];
    return {};
  }
  void set_optimizer_state(const SafeTensors& file) override { momentum = file.at("momentum").as_double()[0]; }
  double get(std::string_view, int64_t) const override { return weight; }
  void set(std::string_view, int64_t, double value) override { weight = value; }

 private:
  static NamedTensor one(const std::string& name, double value) {
    return NamedTensor::of(name, {1}, std::span<const double>(&value, 1));
  }
  EngineSummary summary_;
};

// `size` sequences of three tokens; labels 0, 1, 2, 0, 1, …
class FakeData : public Dataset {
 public:
  explicit FakeData(int64_t size) : size_(size) {}
  int64_t size() const override { return size_; }
  int64_t length(int64_t) const override { return 3; }
  void read(int64_t i, Example& out, int64_t) const override {
    out.clear();
    const auto t = static_cast<int32_t>(4 + i % 5);
    out.tokens = {t, t + 1, t + 2};
    out.label = static_cast<int32_t>(i % 3);
  }

 private:
  int64_t size_;
};

}  // namespace vitrine
