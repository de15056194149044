#include "train/optimizer.h"

#include <cmath>

namespace vitrine::inline VITRINE_PRECISION {

std::vector<std::string> Optimizer::prefixes(const OptimizerSettings& settings) {
  if (settings.kind == OptimizerKind::kSgd) return {"momentum"};
  return {"first_moment", "second_moment"};
}

Optimizer::Optimizer(const OptimizerSettings& settings, Backend& ops, int64_t size) : settings_(settings) {
  for (const std::string& prefix : prefixes(settings)) {
    memory_.push_back(ops.allocate(size));
    states_.push_back({prefix, memory_.back()->data});
  }
}

void Optimizer::update(Backend& ops, Tensor w, Tensor g, int64_t offset, bool decays, int64_t t, double learning_rate,
                       double gradient_scale) const {
  const auto state = [&](size_t k) { return Tensor{states_[k].data + offset, w.rows, w.cols, w.stride}; };
  const Real rate = Real(learning_rate), decay = decays ? Real(settings_.weight_decay) : 0, scale = Real(gradient_scale);
  if (settings_.kind == OptimizerKind::kSgd) {
    ops.sgd(w, state(0), g, {rate, Real(settings_.momentum), decay, scale});
    return;
  }
  ops.adam(w, state(0), state(1), g,
           {.learning_rate = rate,
            .beta1 = Real(settings_.beta1),
            .beta2 = Real(settings_.beta2),
            .epsilon = Real(settings_.epsilon),
            .correction1 = Real(1 - std::pow(settings_.beta1, double(t))),
            .correction2 = Real(1 - std::pow(settings_.beta2, double(t))),
            .weight_decay = decay,
            .decoupled = settings_.kind == OptimizerKind::kAdamw,
            .gradient_scale = scale});
}

}  // namespace vitrine::inline VITRINE_PRECISION
