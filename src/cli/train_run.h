#pragma once
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "cli/report.h"
#include "cli/session.h"
#include "train/trainer.h"

namespace vitrine {

// What one training leaves besides its run directory.
struct TrainOutcome {
  std::string run;
  TrainingResult result;
  int64_t parameters = 0;
  std::optional<SplitReport> report;  // of the best checkpoint on test, or else validation; none after a signal
  std::string text;                   // the same for people
};

// Trains `config` in the folder `run`: the plan before step 1, the progress, the report.
TrainOutcome train_in(const std::string& run, RunDirectory::Mode mode, Config config);

nlohmann::ordered_json to_json(const TrainOutcome& outcome, const Config& config);

// Error{kConfig} that lists the keys in which `ours` is another configuration than that of the run in `path`. kSteps: what one step
// computes must be the same, how long and how often may differ; kResult: all that decides how training ends.
enum class Sameness { kSteps, kResult };
void check_same(Config ours, Config theirs, const std::string& path, Sameness sameness);

}  // namespace vitrine
