// LocalEngine's parameters, gradients and optimizer state by name, and the search for the first number that is not finite.
#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/error.h"
#include "train/local_engine.h"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

std::vector<int64_t> shape_of(const NamedParameter& p) {
  if (p.is_vector) return {p.at.value.cols};
  return {p.at.value.rows, p.at.value.cols};
}

// What is saved of a state: as many columns as its shape says, where it has more of them for its statistics.
Tensor columns_of(const NamedState& s) { return s.value.columns(0, s.shape.back()); }

// Remembers the first activation that is not finite.
class FiniteProbe : public Probe {
 public:
  bool wants(std::string_view) const override { return first_.empty(); }
  void visit(std::string_view name, const Place&, Values& values) override {
    row_.resize(size_t(values.cols()));
    for (int64_t i = 0; i < values.rows() && first_.empty(); ++i) {
      values.read(i, 0, row_);
      if (!std::all_of(row_.begin(), row_.end(), [](double v) { return std::isfinite(v); })) first_ = name;
    }
  }
  const std::string& first() const { return first_; }

 private:
  std::string first_;
  std::vector<double> row_;
};

}  // namespace

Tensor LocalEngine::value_of(const NamedParameter& p, const Real* base) const {
  Tensor at = p.at.value;
  at.data = const_cast<Real*>(base) + (at.data - shared_.params->data);
  return at;
}

NamedTensor LocalEngine::export_tensor(const std::string& name, const std::vector<int64_t>& shape, Tensor at) const {
  std::vector<Real> values(size_t(at.size()));
  ops().read(values, at);
  return NamedTensor::of(name, shape, std::span<const Real>(values));
}

void LocalEngine::import_tensor(const NamedTensor& from, Tensor at) {
  const std::vector<double> values = from.as_double();
  std::vector<Real> row(size_t(at.cols));
  for (int64_t i = 0; i < at.rows; ++i) {
    std::transform(values.begin() + i * at.cols, values.begin() + (i + 1) * at.cols, row.begin(),
                   [](double v) { return Real(v); });
    ops().write(at.slice(i, 1), row);
  }
}

std::vector<NamedTensor> LocalEngine::parameters() const {
  std::vector<NamedTensor> out;
  for (const NamedParameter& p : lanes_[0]->plan().parameters) out.push_back(export_tensor(p.name, shape_of(p), p.at.value));
  for (const NamedState& s : lanes_[0]->plan().states) out.push_back(export_tensor(s.name, s.shape, columns_of(s)));
  return out;
}

std::vector<NamedTensor> LocalEngine::gradients() const {
  std::vector<NamedTensor> out;
  for (const NamedParameter& p : lanes_[0]->plan().parameters) out.push_back(export_tensor(p.name, shape_of(p), p.at.grad));
  return out;
}

std::vector<NamedTensor> LocalEngine::optimizer_state() const {
  std::vector<NamedTensor> out;
  for (const auto& state : optimizer_->states())
    for (const NamedParameter& p : lanes_[0]->plan().parameters)
      out.push_back(export_tensor(state.prefix + "." + p.name, shape_of(p), value_of(p, state.data)));
  return out;
}

namespace {

const NamedTensor* find_checked(const SafeTensors& file, const std::string& name, const std::vector<int64_t>& shape) {
  const NamedTensor* tensor = file.find(name);
  if (tensor && tensor->shape != shape)
    fail(ErrorKind::kCheckpoint, "`{}` has shape [{}] in the file, but the model needs [{}]", name,
         fmt::join(tensor->shape, ", "), fmt::join(shape, ", "));
  return tensor;
}

}  // namespace

std::vector<std::string> LocalEngine::set_parameters(const SafeTensors& file, bool partial) {
  const std::vector<NamedParameter>& list = lanes_[0]->plan().parameters;
  const std::vector<NamedState>& states = lanes_[0]->plan().states;
  std::vector<std::string> missing;
  for (const NamedParameter& p : list)  // all is checked before anything is changed
    if (!find_checked(file, p.name, shape_of(p))) missing.push_back(p.name);
  for (const NamedState& s : states)
    if (!find_checked(file, s.name, s.shape)) missing.push_back(s.name);
  if (!partial && !missing.empty())
    fail(ErrorKind::kCheckpoint, "the file lacks `{}`{}", missing[0],
         missing.size() > 1 ? fmt::format(" and {} more parameters of the model", missing.size() - 1) : "");
  for (const NamedParameter& p : list)
    if (const NamedTensor* tensor = file.find(p.name)) import_tensor(*tensor, p.at.value);
  for (const NamedState& s : states)
    if (const NamedTensor* tensor = file.find(s.name)) import_tensor(*tensor, columns_of(s));
  return missing;
}

void LocalEngine::set_optimizer_state(const SafeTensors& file) {
  for (const auto& state : optimizer_->states())
    for (const NamedParameter& p : lanes_[0]->plan().parameters) {
      const std::string name = state.prefix + "." + p.name;
      const NamedTensor* tensor = find_checked(file, name, shape_of(p));
      if (!tensor)
        fail(ErrorKind::kCheckpoint, "the optimizer's file lacks `{}`: it was written with another optimizer or model", name);
      import_tensor(*tensor, value_of(p, state.data));
    }
}

const NamedParameter& LocalEngine::find(std::string_view parameter) const {
  const auto& list = lanes_[0]->plan().parameters;
  const auto found = std::find_if(list.begin(), list.end(), [&](const NamedParameter& p) { return p.name == parameter; });
  if (found == list.end()) fail(ErrorKind::kConfig, "the model has no parameter `{}`", parameter);
  return *found;
}

double LocalEngine::get(std::string_view parameter, int64_t index) const {
  const Tensor at = find(parameter).at.value;
  Real value;
  ops().read({&value, 1}, at.slice(index / at.cols, 1).columns(index % at.cols, 1));
  return double(value);
}

void LocalEngine::set(std::string_view parameter, int64_t index, double value) {
  const Tensor at = find(parameter).at.value;
  const Real real = Real(value);
  ops().write(at.slice(index / at.cols, 1).columns(index % at.cols, 1), {&real, 1});
}

// Runs the step again, micro-batch by micro-batch on one lane, until something is not finite.
void LocalEngine::diagnose(const Batch& batch, int64_t step, RngKey rng) {
  Replica& lane = *lanes_[0];
  const auto report = [&](int64_t piece, const std::string& what) {
    fail(ErrorKind::kDiverged,
         "training diverged at step {}, micro-batch {}: {} is not finite\nhelp: the parameters are those of step {} and nothing "
         "was saved "
         "since the last checkpoint; a lower optimizer.learning_rate, training.clip or a longer schedule.warmup_steps may help",
         step, piece, what, step - 1);
  };
  for (const NamedParameter& p : lane.plan().parameters)
    if (!std::isfinite(lane.ops().sum_squares(p.at.value))) report(0, fmt::format("the parameter `{}`", p.name));
  int64_t piece = 0;
  for (int64_t k = 0; k < int64_t(lanes_.size()); ++k)
    lane.for_each_micro_batch(batch, lane_begin(batch, k), lane_begin(batch, k + 1), [&](int64_t) {
      FiniteProbe probe;
      lane.ops().fill(lane.gradients(), 0);
      const double loss = lane.forward(true, rng, &probe);
      if (!probe.first().empty()) report(piece, fmt::format("the activation `{}`", probe.first()));
      if (!std::isfinite(loss)) report(piece, "the loss");
      lane.backward(true, rng);
      for (const NamedParameter& p : lane.plan().parameters)
        if (!std::isfinite(lane.ops().sum_squares(p.at.grad))) report(piece, fmt::format("the gradient of `{}`", p.name));
      ++piece;
    });
  report(piece, "the sum of the gradients");
  std::abort();  // not reached: report throws
}

}  // namespace vitrine::inline VITRINE_PRECISION
