#pragma once
#include <cstdint>
#include <string>

namespace vitrine {

// The sections `optimizer:`, `schedule:`, `training:`, `evaluation:` and `checkpoint:` of a configuration.
enum class OptimizerKind { kAdamw, kAdam, kSgd };
struct OptimizerSettings {
  OptimizerKind kind = OptimizerKind::kAdamw;
  double learning_rate = 1e-3;
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double momentum = 0.9;       // sgd
  double weight_decay = 0.01;  // of matrices; never of biases and norms
  bool operator==(const OptimizerSettings&) const = default;
};

enum class ScheduleKind { kConstant, kLinear, kCosine, kInverseSqrt };
struct ScheduleSettings {
  ScheduleKind kind = ScheduleKind::kConstant;
  int64_t warmup_steps = 0;
  double final_ratio = 0;  // linear, cosine: last rate / learning_rate
  bool operator==(const ScheduleSettings&) const = default;
};

struct TrainingSettings {
  int64_t steps = -1;       // −1: epochs decide
  double epochs = 0;        // 0: steps decide
  int64_t batch_size = 32;  // sequences; 0: batch_tokens decides
  int64_t batch_tokens = 0;
  int64_t micro_batch = 0;  // tokens; 0: auto
  int64_t lanes = 0;        // 0: auto
  double clip = 0;          // global norm; 0: none
  bool operator==(const TrainingSettings&) const = default;
};

struct EvaluationSettings {
  int64_t every = 0;            // steps; 0: at the end only
  std::string metric = "loss";  // which decides what is best, under the names of `evaluate --json`
  int64_t patience = 0;         // evaluations without a better one before training stops; 0: never
  bool operator==(const EvaluationSettings&) const = default;
};

struct CheckpointSettings {
  int64_t every = 0;  // steps; 0: at the end only
  int64_t keep = 2;   // newest ones; the best is kept besides
  bool operator==(const CheckpointSettings&) const = default;
};

}  // namespace vitrine
