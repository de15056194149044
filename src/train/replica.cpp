#include "train/replica.h"

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

std::vector<std::unique_ptr<Objective>> make_objectives(const EngineSettings& settings) {
  std::vector<std::unique_ptr<Objective>> objectives;
  for (size_t k = 0; k < settings.objectives.size(); ++k)
    objectives.push_back(make_objective({.index = k,
                                         .weight = settings.objectives[k].weight,
                                         .width = settings.model.width,
                                         .classes = settings.classes[k],
                                         .norm = settings.model.norm,
                                         .class_weights = settings.class_weights[k]},
                                        settings.objectives[k]));
  return objectives;
}

// How many sequences from `first` on fit into memory that was planned for `extent`; never none.
int64_t fitting(const Batch& batch, int64_t first, int64_t last, const Extent& extent) {
  const auto rows_below = [&](int64_t row) {
    int64_t most = 0;
    for (const Targets& t : batch.targets)
      most = std::max<int64_t>(most, std::lower_bound(t.rows.begin(), t.rows.end(), row) - t.rows.begin());
    return most;
  };
  int64_t pairs = 0, b = first;
  for (; b < last && b - first < extent.sequences; ++b) {
    pairs += batch.length(b) * batch.length(b);
    const bool fits = batch.offsets[b + 1] - batch.offsets[first] <= extent.tokens && pairs <= extent.pairs &&
                      rows_below(batch.offsets[b + 1]) - rows_below(batch.offsets[first]) <= extent.predicted;
    if (!fits) break;
  }
  check(b > first, "a sequence is longer than the memory that was planned");
  return b - first;
}

}  // namespace

Plan Replica::count(const EngineSettings& settings, const Extent& extent) {
  Plan plan;
  plan.extent = extent;
  Model(settings.model, settings.seed, settings.vocabulary, make_objectives(settings)).plan(plan);
  return plan;
}

Replica::Replica(const EngineSettings& settings, const Extent& extent, std::unique_ptr<Backend> ops, SharedMemory& shared)
    : ops_(std::move(ops)), model_(settings.model, settings.seed, settings.vocabulary, make_objectives(settings)) {
  for (const ObjectiveSettings& o : settings.objectives) head_weights_.push_back(o.weight);
  plan_.extent = extent;
  model_.plan(plan_);  // unbound: counts
  if (!shared.params) {
    shared.params = ops_->allocate(plan_.params.peak());
    shared.tables = ops_->allocate(plan_.tables.peak());
  }
  grads_ = ops_->allocate(plan_.grads.peak());
  activations_ = ops_->allocate(plan_.activations.peak());
  gradients_ = ops_->allocate(plan_.gradients.peak());
  plan_.params.bind(shared.params->data), plan_.tables.bind(shared.tables->data);
  plan_.grads.bind(grads_->data), plan_.activations.bind(activations_->data), plan_.gradients.bind(gradients_->data);
  plan_.parameters.clear(), plan_.constants.clear(), plan_.states.clear();
  model_.plan(plan_);  // bound: the same code gives addresses
}

void Replica::for_each_micro_batch(const Batch& batch, int64_t first, int64_t last, const std::function<void(int64_t)>& use) {
  while (first < last) {
    const int64_t count = fitting(batch, first, last, plan_.extent);
    poison();
    batch.slice(first, first + count, micro_batch_);
    inputs_.load(*ops_, micro_batch_, first);
    use(first);
    first += count;
  }
}

// In debug builds, what a layer forgets to write is NaN and not what the last micro-batch left there.
void Replica::poison() {
#ifdef VITRINE_POISON
  for (const auto* memory : {activations_.get(), gradients_.get()})
    ops_->fill({memory->data, 1, memory->size, memory->size}, std::numeric_limits<Real>::quiet_NaN());
#endif
}

double Replica::forward(bool training, RngKey rng, Probe* probe) {
  Step step{*ops_, inputs_, training, rng, probe};
  model_.forward(step);
  double loss = 0;
  for (size_t k = 0; k < head_weights_.size(); ++k) {
    double sum = 0;
    for (Real part : read_losses(k)) sum += double(part);
    const double weight = inputs_.targets[k].weight;
    if (weight > 0) loss += head_weights_[k] * (sum / weight);
  }
  return loss;
}

void Replica::measure(Probe* probe) {
  Step step{.ops = *ops_, .in = inputs_, .probe = probe, .measuring = true};
  model_.forward(step);
}

void Replica::backward(bool training, RngKey rng, Probe* probe) {
  Step step{*ops_, inputs_, training, rng, probe};
  model_.backward(step);
}

std::span<const Real> Replica::read_losses(size_t k) { return read(model_.objective(k).losses()); }
std::span<const Real> Replica::read_logits(size_t k) { return read(model_.objective(k).logits()); }

std::span<const Real> Replica::read(Tensor x) {
  host_.resize(std::max(host_.size(), size_t(x.size())));
  const std::span<Real> out = std::span(host_).first(size_t(x.size()));
  if (!out.empty()) ops_->read(out, x);
  return out;
}

}  // namespace vitrine::inline VITRINE_PRECISION
