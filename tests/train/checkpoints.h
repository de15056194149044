#pragma once
#include <cstring>
#include <string>
#include <vector>

#include "base/hash.h"
#include "train/checkpoint.h"

namespace vitrine {

// A small checkpoint whose every number follows from its step.
inline Checkpoint checkpoint_of(int64_t step, int64_t best_step) {
  const float x = static_cast<float>(step) + 0.1f;
  const std::vector<float> weights = {x, -x, 1 / x, x * x, 0, 7};
  const std::vector<double> moments = {0.1 * static_cast<double>(step), 1e-300};
  Checkpoint c;
  c.model.tensors.push_back(NamedTensor::of("embedding.token.weight", {3, 2}, std::span(weights)));
  c.optimizer.tensors.push_back(NamedTensor::of("first_moment", {2}, std::span(moments)));
  c.state = {step, 100 * step, 0.1 * static_cast<double>(step), {}, best_step, step % 7, 1 / 3.0, step % 5};
  if (best_step >= 0) c.state.best_metric = 1.0 / static_cast<double>(best_step);
  return c;
}

inline bool same(const Checkpoint& a, const Checkpoint& b) {
  return encode_safetensors(a.model) == encode_safetensors(b.model) &&
         encode_safetensors(a.optimizer) == encode_safetensors(b.optimizer) && a.state == b.state;
}

inline std::string hash_of(const std::string& bytes) { return fmt::format("{:016x}", hash_bytes(bytes)); }

}  // namespace vitrine
