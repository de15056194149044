#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "data/loader.h"
#include "train/checkpoint.h"
#include "train/engine.h"
#include "train/evaluation.h"
#include "train/run_directory.h"
#include "train/settings.h"

namespace vitrine {

// One log interval.
struct TrainingLog {
  int64_t step = 0;
  double loss = 0;                              // mean over the steps of the interval
  double learning_rate = 0, gradient_norm = 0;  // of its last step
  double tokens_per_s = 0;                      // without evaluations and saving
  double seconds = 0;                           // of training so far
};

// What a person is told meanwhile. Every call is cheap.
class Reporter {
 public:
  virtual ~Reporter() = default;
  struct Step {
    int64_t step, steps;
    double loss, learning_rate;
    int64_t tokens;
    double seconds;  // this step took, with assembling its batch
  };
  virtual void step(const Step&) {}
  virtual void log(const TrainingLog&) {}
  virtual void evaluated(int64_t /*step*/, const Evaluation&, bool /*best*/) {}
  virtual void saved(int64_t /*step*/) {}
};

struct TrainerSettings {
  int64_t steps = 0;
  double learning_rate = 1e-3;
  ScheduleSettings schedule;
  EvaluationSettings evaluation;
  CheckpointSettings checkpoint;
  int64_t log_interval = 50;  // steps
};

enum class Ending { kSteps, kPatience, kSignal };
struct TrainingResult {
  Ending ending = Ending::kSteps;
  int signal = 0;  // kSignal: SIGINT or SIGTERM
  TrainState state;
};

// Trains from `state` on (the engine holds its parameters already; the loader is moved there). Each step: next batch, train_step;
// then, where due, a line of metrics.jsonl, the evaluation, the checkpoint. The last step is always evaluated and saved, as is one
// that is the best so far; a signal saves its step and ends training. `validate` may be empty: then nothing is best. A loss that is
// not finite throws Error{kDiverged} and is never saved.
TrainingResult train(Engine& engine, Loader& loader, const TrainerSettings& settings, TrainState state,
                     const std::function<Evaluation()>& validate, RunDirectory& run, Reporter& reporter);

// Steps of `training`: its own number, or that of its epochs (a part of an epoch is rounded to whole steps).
int64_t count_steps(const TrainingSettings& training, const Loader& loader);

// A checkpoint of this state; `resume` is its opposite.
Checkpoint checkpoint_of(const Engine& engine, const TrainState& state);

// One line of metrics.jsonl: step, split, loss and the metrics by name; of several heads one object each, under the objective's name.
std::string metrics_line(const TrainingLog& log);
std::string metrics_line(int64_t step, std::string_view split, const Evaluation& evaluation);

}  // namespace vitrine
