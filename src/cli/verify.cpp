#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/session.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "train/schedule.h"
#include "train/trainer.h"

namespace vitrine {
namespace {

using Json = nlohmann::ordered_json;

// The lines of metrics.jsonl that training steps (begin, end] wrote, by step.
std::map<int64_t, Json> training_lines(const RunDirectory& run, int64_t begin, int64_t end) {
  std::map<int64_t, Json> lines;
  for (const std::string& text : run.read_metrics()) {
    Json line = Json::parse(text);
    const auto step = line["step"].get<int64_t>();
    if (line.value("split", "") == "train" && step > begin && step <= end) lines[step] = std::move(line);
  }
  return lines;
}

// The first tensor whose bits differ; empty: none.
std::string first_difference(const std::vector<NamedTensor>& ours, const SafeTensors& theirs) {
  for (const NamedTensor& tensor : ours) {
    const NamedTensor* other = theirs.find(tensor.name);
    if (!other || other->shape != tensor.shape || other->bytes != tensor.bytes) return tensor.name;
  }
  return ours.size() == theirs.tensors.size() ? "" : "the number of tensors";
}

class VerifyVerb : public Verb {
 public:
  CLI::App* declare(CLI::App& program) override {
    CLI::App* verb =
        program.add_subcommand("verify", "replays the last steps of a run and compares the bits; exit code 1 if they differ");
    verb->add_option("RUN", run_, "a run directory, such as runs/quickstart")->required();
    verb->add_option("--steps", steps_, "at most so many steps after the checkpoint before the last (default: up to the last)")
        ->type_name("K")
        ->check(whole_number(1));
    verb->add_flag("--json", json_, "one JSON object on stdout");
    verb->footer("Example:\n  vitrine verify runs/quickstart --steps 100");
    return verb;
  }

  int run() override {
    Run run = open_run(run_);
    const std::vector<int64_t> saved = checkpoint_steps(run_);
    const int64_t begin = saved.size() > 1 ? saved[saved.size() - 2] : 0, last = saved.back();
    const int64_t end = steps_ > 0 ? std::min(last, begin + steps_) : last;
    const std::map<int64_t, Json> lines = training_lines(run.directory, begin, end);
    if (end < last && lines.empty())
      fail(ErrorKind::kConfig,
           "--steps {}: nothing was written in the {} steps after step {} that could be compared\nhelp: the next checkpoint is "
           "{} steps on",
           steps_, steps_, begin, last - begin);

    const std::string resolved = read_file(run.directory.config(), ErrorKind::kCheckpoint);
    const Session session = make_session(run.config, std::move(run.learned));
    const std::unique_ptr<Engine> engine = session.make_engine();
    const std::unique_ptr<Loader> loader = session.make_loader();
    for (const std::string& name : changed_since(session, resolved)) log_warning("{} is not that of the run", name);
    TrainState state;
    if (begin > 0) {
      LoadedCheckpoint start = load_checkpoint(run_, CheckpointChoice::kStep, begin);
      engine->set_parameters(start.model);
      engine->set_optimizer_state(start.optimizer);
      state = std::move(start.state);
    } else {
      initialize(*engine, session.config, session.names());
    }
    log_info("replaying steps {} to {} of {}", thousands(begin + 1), thousands(end), run_);
    replay(*engine, *loader, session.config, state, end, lines);
    if (end == last) compare(*engine, load_checkpoint(run_, CheckpointChoice::kStep, last));
    return report(begin, end, end == last);
  }

 private:
  // As train/trainer.cpp does it.
  void replay(Engine& engine, Loader& loader, const Config& config, TrainState state, int64_t end,
              const std::map<int64_t, Json>& lines) {
    const int64_t steps = count_steps(config.training, loader);
    loader.seek(state.step);
    Batch batch;
    while (state.step < end) {
      loader.next(batch);
      const int64_t step = ++state.step;
      const double rate = learning_rate_at(config.schedule, config.optimizer.learning_rate, step, steps);
      const StepReport report = engine.train_step(batch, step, rate);
      state.interval_loss += report.loss;
      ++state.interval_steps;
      const auto line = lines.find(step);
      if (line == lines.end()) continue;
      ++lines_;
      const double loss = state.interval_loss / static_cast<double>(state.interval_steps);
      for (const auto& [name, value] :
           {std::pair{"learning_rate", rate}, {"loss", loss}, {"gradient_norm", report.gradient_norm}})
        if (const auto then = line->second.value(name, Json()); then != value)
          differences_.push_back(fmt::format("step {}: {} is {}, and metrics.jsonl has {}", step, name, value, then.dump()));
      state.interval_loss = 0;
      state.interval_steps = 0;
    }
  }

  void compare(const Engine& engine, const Checkpoint& saved) {
    for (const auto& [file, name] : {std::pair{"model", first_difference(engine.parameters(), saved.model)},
                                     {"optimizer", first_difference(engine.optimizer_state(), saved.optimizer)}})
      if (!name.empty())
        differences_.push_back(fmt::format("step {}: {}.safetensors differs, first in {}", saved.state.step, file, name));
  }

  int report(int64_t begin, int64_t end, bool checkpoint) const {
    const bool same = differences_.empty();
    if (json_) {
      print(Json{{"run", run_},
                 {"from", begin},
                 {"to", end},
                 {"lines", lines_},
                 {"checkpoint", checkpoint},
                 {"same", same},
                 {"differences", differences_}}
                .dump() +
            "\n");
      return same ? 0 : 1;
    }
    std::string text = fmt::format("{}: steps {} to {} {}: {} of metrics.jsonl{}\n", run_, begin + 1, end,
                                   same ? "give the same bits again" : "do not give the same bits",
                                   lines_ == 1 ? "1 line" : fmt::format("{} lines", lines_),
                                   checkpoint ? fmt::format(" and the checkpoint of step {} compared", end) : " compared");
    constexpr size_t kShown = 10;
    for (size_t i = 0; i < std::min(kShown, differences_.size()); ++i) text += "  " + differences_[i] + "\n";
    if (differences_.size() > kShown) text += fmt::format("  and {} more\n", differences_.size() - kShown);
    if (!same)
      text += "Another build or machine, other data, or a run that was resumed with another number of steps gives other bits.\n";
    print(text);
    return same ? 0 : 1;
  }

  std::string run_;
  int64_t steps_ = 0, lines_ = 0;
  std::vector<std::string> differences_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_verify_verb() { return std::make_unique<VerifyVerb>(); }

}  // namespace vitrine
