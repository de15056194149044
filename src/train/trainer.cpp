#include "train/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "train/schedule.h"
#include "train/stop_signals.h"

namespace vitrine {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

// Every `every` steps and at the end.
bool is_due(int64_t step, int64_t every, int64_t steps) { return step == steps || (every > 0 && step % every == 0); }

class Training {
 public:
  Training(Engine& engine, const TrainerSettings& settings, const TrainState& state, const std::function<Evaluation()>& validate,
           RunDirectory& run, Reporter& reporter)
      : engine_(engine), settings_(settings), state_(state), validate_(validate), run_(run), reporter_(reporter) {}

  TrainingResult run(Loader& loader) {
    const StopSignals signals;
    start_ = Clock::now();
    seconds_before_ = state_.seconds;
    TrainingResult result;
    if (out_of_patience() && state_.step < settings_.steps) result.ending = Ending::kPatience;  // resumed after its end
    if (state_.step == 0 && settings_.steps == 0) {                                             // the initial parameters
      evaluate();
      save();
    }
    loader.seek(state_.step);
    while (state_.step < settings_.steps && result.ending == Ending::kSteps) {
      step(loader);
      bool best = false;
      if (is_due(state_.step, settings_.evaluation.every, settings_.steps)) best = evaluate();
      if (out_of_patience()) result.ending = Ending::kPatience;
      if (state_.step == settings_.steps) result.ending = Ending::kSteps;
      if (signals.received() != 0) {
        result.signal = signals.received();
        result.ending = Ending::kSignal;
      }
      if (best || result.ending != Ending::kSteps || is_due(state_.step, settings_.checkpoint.every, settings_.steps)) save();
    }
    result.state = state_;
    return result;
  }

 private:
  void step(Loader& loader) {
    const auto before = Clock::now();
    loader.next(batch_);
    const int64_t number = state_.step + 1;
    const double rate = learning_rate_at(settings_.schedule, settings_.learning_rate, number, settings_.steps);
    const StepReport report = engine_.train_step(batch_, number, rate);
    const double seconds = std::chrono::duration<double>(Clock::now() - before).count();
    state_.step = number;
    state_.tokens += batch_.size();
    state_.interval_loss += report.loss;
    ++state_.interval_steps;
    interval_tokens_ += batch_.size();
    interval_seconds_ += seconds;
    reporter_.step({number, settings_.steps, report.loss, rate, batch_.size(), seconds});
    if (!is_due(number, settings_.log_interval, settings_.steps)) return;
    update_seconds();
    const TrainingLog log{number,
                          state_.interval_loss / static_cast<double>(state_.interval_steps),
                          rate,
                          report.gradient_norm,
                          static_cast<double>(interval_tokens_) / std::max(interval_seconds_, 1e-9),
                          state_.seconds};
    run_.append_metrics(metrics_line(log));
    reporter_.log(log);
    state_.interval_loss = 0;
    state_.interval_steps = 0;
    interval_tokens_ = 0;
    interval_seconds_ = 0;
  }

  // Whether this one is the best so far.
  bool evaluate() {
    if (!validate_) return false;
    const Evaluation evaluation = validate_();
    if (!std::isfinite(evaluation.loss))
      fail(ErrorKind::kDiverged, "step {}: the loss on the validation split is {}: training has diverged", state_.step,
           evaluation.loss);
    const std::string& metric = settings_.evaluation.metric;
    const double value = evaluation.metric(metric);
    const bool best =
        !state_.best_metric || (higher_is_better(metric) ? value > *state_.best_metric : value < *state_.best_metric);
    if (best) {
      state_.best_metric = value;
      state_.best_step = state_.step;
      state_.evaluations_without_improvement = 0;
    } else {
      ++state_.evaluations_without_improvement;
    }
    run_.append_metrics(metrics_line(state_.step, "validation", evaluation));
    reporter_.evaluated(state_.step, evaluation, best);
    return best;
  }

  bool out_of_patience() const {
    const int64_t patience = settings_.evaluation.patience;
    return patience > 0 && state_.evaluations_without_improvement >= patience;
  }

  // A step may be finite and its update not.
  void check_finite(const SafeTensors& file) const {
    for (const NamedTensor& tensor : file.tensors) {
      const std::vector<double> values = tensor.as_double();
      if (!std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); }))
        fail(ErrorKind::kDiverged,
             "step {}: training diverged: `{}` is not finite after the update, and this step is not saved\n"
             "help: a lower optimizer.learning_rate, training.clip or a longer schedule.warmup_steps may help",
             state_.step, tensor.name);
    }
  }

  void save() {
    update_seconds();
    const Checkpoint checkpoint = checkpoint_of(engine_, state_);
    check_finite(checkpoint.model);
    check_finite(checkpoint.optimizer);
    save_checkpoint(run_.path(), checkpoint, settings_.checkpoint.keep);
    reporter_.saved(state_.step);
  }

  void update_seconds() { state_.seconds = seconds_before_ + std::chrono::duration<double>(Clock::now() - start_).count(); }

  Engine& engine_;
  const TrainerSettings& settings_;
  TrainState state_;
  const std::function<Evaluation()>& validate_;
  RunDirectory& run_;
  Reporter& reporter_;
  Batch batch_;
  Clock::time_point start_;
  double seconds_before_ = 0, interval_seconds_ = 0;
  int64_t interval_tokens_ = 0;
};

}  // namespace

TrainingResult train(Engine& engine, Loader& loader, const TrainerSettings& settings, TrainState state,
                     const std::function<Evaluation()>& validate, RunDirectory& run, Reporter& reporter) {
  return Training(engine, settings, state, validate, run, reporter).run(loader);
}

int64_t count_steps(const TrainingSettings& training, const Loader& loader) {
  if (training.steps >= 0) return training.steps;
  int64_t steps = 0, epoch = 0;
  for (; static_cast<double>(epoch + 1) <= training.epochs; ++epoch) steps += loader.steps_per_epoch(epoch);
  const double part = training.epochs - static_cast<double>(epoch);
  if (part > 0) steps += std::llround(part * static_cast<double>(loader.steps_per_epoch(epoch)));
  return std::max<int64_t>(1, steps);  // a part of an epoch, however small, is not nothing
}

Checkpoint checkpoint_of(const Engine& engine, const TrainState& state) {
  return {{engine.parameters(), {}}, {engine.optimizer_state(), {}}, state};
}

std::string metrics_line(const TrainingLog& log) {
  return Json{{"step", log.step},
              {"split", "train"},
              {"loss", log.loss},
              {"learning_rate", log.learning_rate},
              {"gradient_norm", log.gradient_norm},
              {"tokens_per_s", std::round(log.tokens_per_s)},
              {"seconds", std::round(log.seconds * 1e3) / 1e3}}
      .dump();
}

std::string metrics_line(int64_t step, std::string_view split, const Evaluation& e) {
  Json line{{"step", step}, {"split", split}, {"loss", e.loss}};
  for (const HeadEvaluation& head : e.heads) {
    Json& to = e.heads.size() == 1 ? line : line[std::string(name_of(head.kind))];
    for (const auto& [name, value] : head.metrics) to[std::string(name)] = value;
  }
  return line.dump();
}

}  // namespace vitrine
