#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "model/model.h"
#include "train/engine.h"

namespace vitrine::inline VITRINE_PRECISION {

// Parameters and constant tables: one for all lanes.
struct SharedMemory {
  std::unique_ptr<Memory> params, tables;
};

// A lane: a model over the shared parameters, with a gradient buffer and activations of its own. It takes its micro-batches in order.
class Replica {
 public:
  Replica(const EngineSettings& settings, const Extent& extent, std::unique_ptr<Backend> ops, SharedMemory& shared);

  // What one would take, without taking it: a plan that is not bound.
  static Plan count(const EngineSettings& settings, const Extent& extent);

  // Loads sequences [first, last) of the batch piece by piece, each as large as memory was planned for, and calls
  // use(number of the piece's first sequence in the batch) for each.
  void for_each_micro_batch(const Batch& batch, int64_t first, int64_t last, const std::function<void(int64_t)>& use);

  // Of the piece at hand. forward returns Σ_k weight_k Σ_m loss_km / (weight of head k's targets), its share of the batch's loss.
  double forward(bool training, RngKey rng, Probe* probe = nullptr);
  void measure(Probe* probe);                                        // the losses of evaluation: Step::measuring
  void backward(bool training, RngKey rng, Probe* probe = nullptr);  // adds to the gradients
  int64_t target_count(size_t k) const { return model_.objective(k).losses().rows; }
  std::span<const Real> read_losses(size_t k);  // [M] of head k;  valid until the next read
  std::span<const Real> read_logits(size_t k);  // [M,C], before backward

  Backend& ops() const { return *ops_; }
  const Plan& plan() const { return plan_; }
  Tensor gradients() const { return {grads_->data, 1, grads_->size, grads_->size}; }

 private:
  std::span<const Real> read(Tensor x);
  void poison();

  std::unique_ptr<Backend> ops_;
  Model model_;
  std::vector<double> head_weights_;
  Plan plan_;
  std::unique_ptr<Memory> grads_, activations_, gradients_;
  Batch micro_batch_;
  Inputs inputs_;
  std::vector<Real> host_;
};

}  // namespace vitrine::inline VITRINE_PRECISION
