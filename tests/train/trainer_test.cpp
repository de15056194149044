#include "train/trainer.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <limits>
#include <nlohmann/json.hpp>

#include "support/catch.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"
#include "train/fake_engine.h"
#include "train/stop_signals.h"

using namespace vitrine;

namespace {

struct Folder {
  TemporaryFolder around;
  std::string path = around / "run";
};

struct Counter : Reporter {
  int steps = 0, logs = 0;
  std::vector<int64_t> evaluated_at, saved_at;
  void step(const Step&) override { ++steps; }
  void log(const TrainingLog&) override { ++logs; }
  void evaluated(int64_t step, const Evaluation&, bool) override { evaluated_at.push_back(step); }
  void saved(int64_t step) override { saved_at.push_back(step); }
};

TrainerSettings settings_for(int64_t steps) {
  TrainerSettings s;
  s.steps = steps;
  s.learning_rate = 0.1;
  s.schedule = {ScheduleKind::kCosine, 2, 0.1};
  s.log_interval = 3;
  return s;
}

struct World {
  FakeData data{11};
  Collator collator{{TargetKind::kLabel, 0, false}, 20, 7};
  Loader loader{data, collator, 4, 0, 7};
  FakeEngine engine;
  Counter counter;

  TrainingResult run(const TrainerSettings& s, const std::string& path, RunDirectory::Mode mode = RunDirectory::Mode::kNew,
                     TrainState state = {}, std::function<Evaluation()> validate = {}) {
    RunDirectory directory = RunDirectory::create(path, mode);
    return train(engine, loader, s, state, validate, directory, counter);
  }
};

// metrics.jsonl without what depends on the clock.
std::vector<std::string> metrics_of(const std::string& path) {
  std::vector<std::string> out;
  for (const std::string& line : RunDirectory::open(path).read_metrics()) {
    auto j = nlohmann::json::parse(line);
    j.erase("seconds");
    j.erase("tokens_per_s");
    out.push_back(j.dump());
  }
  return out;
}

// A validation that gives these values, one after the other.
std::function<Evaluation()> scripted(std::vector<double> values, bool accuracy = false) {
  return [values, accuracy, next = size_t{0}]() mutable {
    Evaluation e;
    HeadEvaluation& head = e.heads.emplace_back();
    head.metrics = {{"loss", 0.0}, {"accuracy", 0.0}};
    (accuracy ? head.metrics[1].second : e.loss) = values.at(next++);
    head.metrics[0].second = e.loss;
    return e;
  };
}

}  // namespace

TEST_CASE("a run that a signal stopped and that is resumed gives the bits of one that ran through") {
  TrainerSettings s = settings_for(17);
  Folder through;
  World a;
  const TrainingResult all = a.run(s, through.path);
  CHECK(all.ending == Ending::kSteps);
  CHECK(a.engine.steps_done == 17);
  const int64_t stop = GENERATE(1, 3, 4, 7, 16);
  const int signal = GENERATE(SIGINT, SIGTERM);
  Folder parts;
  World b;
  b.engine.report = [&](int64_t step) {
    if (step == stop) std::raise(signal);
    return StepReport{1.0 / static_cast<double>(step), 0.5};
  };
  const TrainingResult first = b.run(s, parts.path);
  CHECK(first.ending == Ending::kSignal);
  CHECK(first.signal == signal);
  CHECK(checkpoint_steps(parts.path) == std::vector<int64_t>{stop});
  World c;
  const LoadedCheckpoint loaded = load_checkpoint(parts.path, CheckpointChoice::kLatest);
  c.engine.set_parameters(loaded.model, false);
  c.engine.set_optimizer_state(loaded.optimizer);
  const TrainingResult second = c.run(s, parts.path, RunDirectory::Mode::kResume, loaded.state);
  CHECK(second.ending == Ending::kSteps);
  CHECK(c.engine.steps_done == 17 - stop);
  CHECK(c.engine.weight == a.engine.weight);
  CHECK(c.engine.momentum == a.engine.momentum);
  CHECK(second.state.tokens == all.state.tokens);
  CHECK(metrics_of(parts.path) == metrics_of(through.path));
}

TEST_CASE("a second signal ends the program at once") {
  const int signal = GENERATE(SIGINT, SIGTERM);
  const pid_t child = fork();
  if (child == 0) {
    const StopSignals signals;
    std::raise(signal);
    if (signals.received() != signal) _exit(1);
    std::raise(signal);
    _exit(2);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 128 + signal);
}

TEST_CASE("patience counts evaluations without a better one, and the best checkpoint stays") {
  TrainerSettings s = settings_for(100);
  s.evaluation = {2, "loss", 3};
  s.checkpoint = {0, 1};
  Folder folder;
  World w;
  const TrainingResult result = w.run(s, folder.path, RunDirectory::Mode::kNew, {}, scripted({3, 2, 2, 2.5, 2.1, 1.0}));
  CHECK(result.ending == Ending::kPatience);
  CHECK(result.state.step == 10);
  CHECK(result.state.best_step == 4);
  CHECK(result.state.best_metric == 2);
  CHECK(w.counter.evaluated_at == std::vector<int64_t>{2, 4, 6, 8, 10});
  CHECK(w.counter.saved_at == std::vector<int64_t>{2, 4, 10});
  CHECK(load_checkpoint(folder.path, CheckpointChoice::kBest).state.step == 4);
  CHECK(load_checkpoint(folder.path, CheckpointChoice::kLatest).state.step == 10);

  World again;  // resumed after its end, it does not go on by one more step each time
  const TrainingResult resumed = again.run(s, folder.path, RunDirectory::Mode::kResume, result.state, scripted({9}));
  CHECK(resumed.ending == Ending::kPatience);
  CHECK(again.engine.steps_done == 0);
  CHECK(again.counter.saved_at.empty());
}

TEST_CASE("an accuracy is better when it is higher") {
  TrainerSettings s = settings_for(8);
  s.evaluation = {2, "accuracy", 0};
  Folder folder;
  World w;
  const TrainingResult result = w.run(s, folder.path, RunDirectory::Mode::kNew, {}, scripted({0.5, 0.7, 0.6, 0.7}, true));
  CHECK(result.ending == Ending::kSteps);
  CHECK(result.state.best_step == 4);
  CHECK(w.counter.evaluated_at == std::vector<int64_t>{2, 4, 6, 8});
}

TEST_CASE("the last step is evaluated and saved whatever the intervals are") {
  TrainerSettings s = settings_for(7);
  s.evaluation = {3, "loss", 0};
  s.checkpoint = {5, 9};
  Folder folder;
  World w;
  w.run(s, folder.path, RunDirectory::Mode::kNew, {}, scripted({1, 2, 3}));
  CHECK(w.counter.evaluated_at == std::vector<int64_t>{3, 6, 7});
  CHECK(w.counter.saved_at == std::vector<int64_t>{3, 5, 7});
}

TEST_CASE("no steps: the initial parameters are evaluated and saved") {
  Folder folder;
  World w;
  const TrainingResult result = w.run(settings_for(0), folder.path, RunDirectory::Mode::kNew, {}, scripted({4}));
  CHECK(result.ending == Ending::kSteps);
  CHECK(w.engine.steps_done == 0);
  CHECK(checkpoint_steps(folder.path) == std::vector<int64_t>{0});
}

TEST_CASE("a step that diverged is not saved, and neither is a validation that did") {
  TrainerSettings s = settings_for(10);
  s.checkpoint = {2, 9};
  Folder folder;
  World w;
  SECTION("a step") {
    w.engine.report = [](int64_t step) {
      if (step == 5) fail(ErrorKind::kDiverged, "step 5: not finite");
      return StepReport{1, 1};
    };
    CHECK_THROWS_AS(w.run(s, folder.path), Error);
    CHECK(checkpoint_steps(folder.path) == std::vector<int64_t>{2, 4});
  }
  SECTION("an update") {
    w.engine.report = [&](int64_t step) {
      if (step == 4) w.engine.weight = std::numeric_limits<double>::infinity();
      return StepReport{1, 1};
    };
    CHECK_THAT(error_of(ErrorKind::kDiverged, [&] { w.run(s, folder.path); }),
               Catch::Contains("step 4") && Catch::Contains("`weight` is not finite"));
    CHECK(checkpoint_steps(folder.path) == std::vector<int64_t>{2});
  }
  SECTION("a validation") {
    s.evaluation.every = 4;
    try {
      w.run(s, folder.path, RunDirectory::Mode::kNew, {}, scripted({std::nan("")}));
      FAIL("no error");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kDiverged);
    }
    CHECK(checkpoint_steps(folder.path) == std::vector<int64_t>{2});
  }
}

TEST_CASE("a log line has the mean loss of its interval and the rate of its last step") {
  Folder folder;
  World w;
  w.run(settings_for(7), folder.path);
  const std::vector<std::string> lines = RunDirectory::open(folder.path).read_metrics();
  REQUIRE(lines.size() == 3);  // steps 3, 6, 7
  const auto second = nlohmann::json::parse(lines[1]);
  CHECK(second["step"] == 6);
  CHECK(second["split"] == "train");
  CHECK(second["loss"].get<double>() == Approx((1.0 / 4 + 1.0 / 5 + 1.0 / 6) / 3));
  CHECK(second["learning_rate"].get<double>() == Approx(0.1 * (0.1 + 0.9 * (1 + std::cos(3.14159265358979 * 0.8)) / 2)));
  CHECK(second["gradient_norm"] == 0.5);
  const auto last = nlohmann::json::parse(lines[2]);
  CHECK(last["loss"].get<double>() == Approx(1.0 / 7));
  CHECK(last["learning_rate"].get<double>() == Approx(0.01));
}

TEST_CASE("epochs become steps") {
  FakeData data(11);
  const Collator collator({TargetKind::kLabel, 0, false}, 20, 7);
  const Loader loader(data, collator, 4, 0, 7);  // 3 steps an epoch
  TrainingSettings t;
  t.epochs = 2;
  CHECK(count_steps(t, loader) == 6);
  t.epochs = 2.34;
  CHECK(count_steps(t, loader) == 7);
  t.epochs = 0.5;
  CHECK(count_steps(t, loader) == 2);
  t.epochs = 0.01;
  CHECK(count_steps(t, loader) == 1);
  t.steps = 5;
  CHECK(count_steps(t, loader) == 5);
}
