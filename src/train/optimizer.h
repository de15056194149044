#pragma once
#include <memory>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "train/settings.h"

namespace vitrine::inline VITRINE_PRECISION {

// Updates parameters from gradients, a stretch of the flat buffers at a time. g is the gradient times gradient_scale.
//   adamw  m ← β₁m + (1−β₁)g   v ← β₂v + (1−β₂)g²   w ← w − ηλw − η m̂/(√v̂ + ε),  m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ)
//                                                                     (Kingma & Ba 2015; decoupled: Loshchilov & Hutter 2019)
//   adam   the same with g + λw in place of g and no ηλw
//   sgd    u ← μu + g + λw,   w ← w − ηu                              (PyTorch's form; u is 0 at first)
class Optimizer {
 public:
  Optimizer(const OptimizerSettings& settings, Backend& ops, int64_t size);

  // One step t (from 1) of the `size` parameters at `offset`. Stretches may be updated in any order and by any thread.
  void update(Backend& ops, Tensor w, Tensor g, int64_t offset, bool decays, int64_t t, double learning_rate,
              double gradient_scale) const;

  struct State {
    std::string prefix;  // "first_moment": of the parameter's name in files
    Real* data;          // as long as the parameters, in the same layout
  };
  const std::vector<State>& states() const { return states_; }
  static std::vector<std::string> prefixes(const OptimizerSettings& settings);

 private:
  OptimizerSettings settings_;
  std::vector<std::unique_ptr<Memory>> memory_;
  std::vector<State> states_;
};

}  // namespace vitrine::inline VITRINE_PRECISION
