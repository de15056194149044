#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/safetensors.h"

namespace vitrine {

// What training needs, besides parameters and optimizer state, to go on as if it had never stopped. The loader's place, the learning
// rate and every random number are functions of the step.
struct TrainState {
  int64_t step = 0;    // steps done
  int64_t tokens = 0;  // seen so far
  double seconds = 0;  // of training so far
  std::optional<double> best_metric;
  int64_t best_step = -1;  // where best_metric was reached; −1: nowhere yet
  int64_t evaluations_without_improvement = 0;
  double interval_loss = 0;  // Σ loss of the interval_steps steps since the last line of metrics.jsonl
  int64_t interval_steps = 0;

  bool operator==(const TrainState&) const = default;
};

struct Checkpoint {
  SafeTensors model, optimizer;
  TrainState state;
};

struct LoadedCheckpoint : Checkpoint {
  std::string path;
  std::string warning;  // not empty: newer checkpoints are damaged, and which
};

// RUN/checkpoints/step-00001000/{model.safetensors, optimizer.safetensors, state.json, manifest.json}. The manifest has the size and
// the XXH3 of every file, so a folder that was cut short, copied by halves or changed is known by itself. Errors: Error{kCheckpoint}.

// The folder is written under another name, brought to the disk, and renamed: before that it is invisible, after it complete. Then
// the small files RUN/latest and RUN/best are written for people and scripts; loading does not need them. Kept are the newest `keep`
// and that of state.best_step, so whoever finds a new best saves at that step. Checkpoints of later steps go: they belong to a
// training that this one, resumed before them, replaces. Leftovers of saves that were killed go too.
void save_checkpoint(const std::string& run, const Checkpoint& checkpoint, int64_t keep);

// kLatest: the newest complete one; a damaged one is passed over with a warning. kBest: that of best_step in the newest complete one's
// state, or the newest itself if there is no best yet. kStep: exactly `step`.
enum class CheckpointChoice { kLatest, kBest, kStep };
LoadedCheckpoint load_checkpoint(const std::string& run, CheckpointChoice choice, int64_t step = 0);

std::vector<int64_t> checkpoint_steps(const std::string& run);  // ascending; damaged ones too

}  // namespace vitrine
