#include "cli/train_run.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <ranges>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/console_reporter.h"
#include "cli/page_run.h"
#include "cli/tensorboard_reporter.h"
#include "cli/terminal.h"
#include "train/entities.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;
constexpr int64_t kFloorExamples = 2000;  // of the validation split, for the floors that progress and plots show

// The log file is closed whatever ends the training.
struct LogFile {
  explicit LogFile(const std::string& path) { set_log_file(path); }
  ~LogFile() { set_log_file(""); }
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
};

// What may differ from the run that is resumed: it changes how often and where, or also how long, not what a step computes.
Config without_free_choices(Config c, Sameness sameness) {
  const Config defaults;
  c.run.threads = defaults.run.threads;
  c.run.simt = defaults.run.simt;
  c.run.checked = defaults.run.checked;
  c.log = defaults.log;
  c.checkpoint = defaults.checkpoint;
  c.inspect = defaults.inspect;
  if (sameness == Sameness::kResult) return c;
  c.run.device = defaults.run.device;  // warned of
  c.evaluation.every = c.evaluation.patience = 0;
  c.training.steps = 0;
  c.training.epochs = 0;
  return c;
}

// The data may have changed under a run; its hashes stand in config.resolved.yaml.
void warn_of_changed_data(const Session& session, const std::string& resolved) {
  for (const std::string& name : changed_since(session, resolved))
    if (name.starts_with("data."))
      log_warning("{} is not the file that this run began with: going on gives another result than one run would", name);
}

// Where the learning rate depends on the last step, going on longer is not what one long run would have been.
void warn_of_moved_end(const ScheduleSettings& schedule, int64_t before, int64_t now) {
  if (now == before || (schedule.kind != ScheduleKind::kLinear && schedule.kind != ScheduleKind::kCosine)) return;
  log_warning(
      "the {} schedule ends at step {} now, before at {}: every learning rate from here on is another one, and the result is not "
      "that of one run of {} steps",
      schedule.kind == ScheduleKind::kLinear ? "linear" : "cosine", thousands(now), thousands(before), thousands(now));
}

void log_corpus(const Session& s) {
  const Corpus& c = s.corpus;
  std::string splits = thousands(c.train->size()) + " train";
  if (c.validation) splits += " · " + thousands(c.validation->size()) + " validation";
  if (c.test) splits += " · " + thousands(c.test->size()) + " test";
  log_info("data        {} sequences; {} tokens in the vocabulary{}; lengths {} to {}", splits, thousands(c.tokenizer->size()),
           (c.labels.empty() ? "" : fmt::format(", {} labels", c.labels.size())) +
               (c.tags.empty() ? "" : fmt::format(", {} tags", c.tags.size())),
           c.shortest, c.longest);
  if (c.cut.sequences_cut > 0)
    log_info("            {} sequences were cut to data.max_length {}: {} tokens left out", thousands(c.cut.sequences_cut),
             s.config.data.max_length, thousands(c.cut.tokens_cut));
  if (c.cut.rows_without_text > 0)
    log_warning("{} rows have no text and are left out, first {}", thousands(c.cut.rows_without_text), c.cut.first_without_text);
  if (c.cut.links_lost > 0)
    log_warning("{} links are left out: data.max_length cut off their source or target, or training lacks an answer",
                thousands(c.cut.links_lost));
  if (c.cut.unknown_tags > 0)
    log_warning("{} words of validation and test have tags that do not occur in the training split ({}{}); they count as wrong",
                thousands(c.cut.unknown_tags), fmt::join(c.unknown_tags | std::views::take(3), ", "),
                c.unknown_tags.size() > 3 ? ", …" : "");
  if (c.cut.loose_tags > 0 && spell_entities(c.tags))
    log_warning(
        "a tag I- begins an entity, since neither B- nor I- of its type stands before it: {} word{}, first in {}; conlleval "
        "counts so, too",
        thousands(c.cut.loose_tags), c.cut.loose_tags == 1 ? "" : "s", c.cut.first_loose_tag);
  if (c.cut.unknown_labels > 0)
    log_warning("{} labels of validation and test do not occur in the training split; they count as wrong",
                thousands(c.cut.unknown_labels));
}

void log_plan(const Session& s, const Engine& engine, const Loader& loader, int64_t steps) {
  const EngineSummary& e = engine.summary();
  const ModelSettings& m = s.config.model;
  log_info("model       {} layers, width {}, {} heads, hidden {}: {} parameters", m.layers, m.width, m.heads, m.hidden,
           thousands(e.parameters));
  const auto mb = [](int64_t bytes) { return megabytes(static_cast<double>(bytes)); };
  log_info("memory      {} planned: parameters {}, gradients {}, optimizer {}, activations {}", mb(e.bytes()),
           mb(e.bytes_parameters), mb(e.bytes_gradients), mb(e.bytes_optimizer), mb(e.bytes_activations));
  int64_t tokens = 0;
  for (int64_t i = 0; i < s.corpus.train->size(); ++i) tokens += s.corpus.train->length(i) + s.collator->extra();
  const int64_t per_epoch = std::max<int64_t>(1, loader.steps_per_epoch(0));
  const auto count = [](int64_t n, const char* what) { return fmt::format("{} {}{}", thousands(n), what, n == 1 ? "" : "s"); };
  log_info("step        {} tokens on average; {}, micro-batches of {} tokens, {}", thousands(tokens / per_epoch),
           count(e.lanes, "lane"), thousands(e.micro_batch), count(e.threads, "thread"));
  log_info("training    {} ({:.4g} epochs)", count(steps, "step"), static_cast<double>(steps) / static_cast<double>(per_epoch));
}

void log_recording(const Recording& recording, int64_t every, int64_t steps) {
  if (recording.restarted()) log_warning("inspect: these are other sentences than before: their recording begins anew");
  const int64_t times = steps / every + 1 + (steps % every == 0 ? 0 : 1);
  log_info("attention   {} sentences, recorded {} times: {} in all", recording.sentences().size(), thousands(times),
           megabytes(static_cast<double>(times * recording.bytes_of_step())));
}

// Of one head; of several there is no one floor but the sum of what knowing only how frequent each answer is would give (unigram).
Floors floors_of(const Session& s) {
  const Dataset& data = s.corpus.validation ? *s.corpus.validation : *s.corpus.train;
  Floors sum;
  sum.unigram = 0;
  for (size_t k = 0; k < s.targets.size(); ++k) {
    const Floors f = measure_floors(s.corpus, s.targets, k, data, *s.collator, 0, std::min(kFloorExamples, data.size())).all;
    if (s.targets.size() == 1) return f;
    const std::optional<double> prior = f.unigram ? f.unigram : f.mean;
    if (!prior) return {};
    *sum.unigram += s.config.objectives[k].weight * *prior;
  }
  return sum;
}

// That which the progress line shows.
std::pair<std::string, double> lowest(const Floors& f) {
  if (f.entropy) return {"floor", *f.entropy};
  if (f.bigram) return {"bigram", *f.bigram};
  if (f.unigram) return {"unigram", *f.unigram};
  if (f.mean) return {"mean", *f.mean};
  return {"", -1};
}

void write_floors(const std::string& path, const Floors& floors) {
  nlohmann::ordered_json out = nlohmann::ordered_json::object();
  for (const auto& [name, value] : floors.named()) out[std::string(name)] = value;
  write_file_atomically(path, out.dump() + "\n");
}

const char* name_of(Ending ending) {
  return ending == Ending::kSteps ? "steps" : ending == Ending::kPatience ? "patience" : "signal";
}

}  // namespace

void check_same(Config ours, Config theirs, const std::string& path, Sameness sameness) {
  if (ours.training.lanes == 0) ours.training.lanes = theirs.training.lanes;
  if (ours.training.micro_batch == 0) ours.training.micro_batch = theirs.training.micro_batch;
  if (sameness == Sameness::kSteps && ours.run.device != theirs.run.device) {  // each has its own rule for them
    theirs.training.lanes = ours.training.lanes;
    theirs.training.micro_batch = ours.training.micro_batch;
  }
  const auto now = values_of(without_free_choices(ours, sameness)), then = values_of(without_free_choices(theirs, sameness));
  std::vector<std::string> different;
  for (const auto& [key, value] : now)
    if (const auto other = then.find(key); other == then.end() || other->second != value)
      different.push_back(fmt::format("  {}: {}; the run has {}", key, value, other == then.end() ? "none" : other->second));
  for (const auto& [key, value] : then)
    if (!now.contains(key)) different.push_back(fmt::format("  {}: none; the run has {}", key, value));
  if (different.empty()) return;
  fail(ErrorKind::kConfig, "{}: cannot be resumed with another configuration; different are\n{}\nhelp: {}", path,
       fmt::join(different, "\n"),
       sameness == Sameness::kSteps ? "--overwrite starts anew, --run-dir trains beside it"
                                    : "--out names another folder for the sweep");
}

TrainOutcome train_in(const std::string& path, RunDirectory::Mode mode, Config config) {
  const bool resume = mode == RunDirectory::Mode::kResume;
  // Refuses, before anything else, unless the folder is empty: a kill before the first step leaves one.
  if ((mode == RunDirectory::Mode::kNew) == fs::exists(path + "/run.json") && mode != RunDirectory::Mode::kOverwrite)
    RunDirectory::create(path, mode);
  Learned learned = learned_for(config);
  std::optional<LoadedCheckpoint> checkpoint;
  std::optional<Config> before;
  if (resume) {
    const RunDirectory run = RunDirectory::open(path);
    if (!checkpoint_steps(path).empty()) {
      if (!fs::exists(run.config()))
        fail(ErrorKind::kCheckpoint, "'{}' cannot be resumed: it has checkpoints, but no {}", path,
             fs::path(run.config()).filename().string());
      before = load_config(run.config());
      const bool same_device = config.run.device == before->run.device;
      if (same_device && config.training.lanes == 0) config.training.lanes = before->training.lanes;
      if (same_device && config.training.micro_batch == 0) config.training.micro_batch = before->training.micro_batch;
      check_same(config, *before, path, Sameness::kSteps);
      learned = read_learned(path);
      checkpoint = load_checkpoint(path, CheckpointChoice::kLatest);
      if (!checkpoint->warning.empty()) log_warning("{}", checkpoint->warning);
    }
  }
  Session session = make_session(config, std::move(learned));
  const std::unique_ptr<Engine> engine = session.make_engine();
  const std::unique_ptr<Loader> loader = session.make_loader();
  const int64_t steps = count_steps(config.training, *loader);
  const std::string origin = checkpoint ? "" : initialize(*engine, config, session.names());  // before an earlier run is removed
  SentenceReader reader(session);
  if (config.inspect.every > 0) add_sentences(reader, session);

  RunDirectory run = RunDirectory::create(path, mode);
  const LogFile log_file(run.log());
  log_info("vitrine {} · {} · {}", VITRINE_VERSION, config.run.name, path);
  log_corpus(session);
  log_plan(session, *engine, *loader, steps);
  TrainState state;
  if (checkpoint) {
    warn_of_changed_data(session, read_file(run.config(), ErrorKind::kCheckpoint));
    engine->set_parameters(checkpoint->model);
    engine->set_optimizer_state(checkpoint->optimizer);
    state = checkpoint->state;
    log_info("resumed     after step {}", thousands(state.step));
    if (config.run.device != before->run.device)
      log_warning(
          "the run began on another device, which rounds sums in another order: from here on the result is that of one run only "
          "nearly");
    warn_of_moved_end(config.schedule, count_steps(before->training, *loader), steps);
  } else if (!origin.empty()) {
    log_info("{}", origin);
  }
  if (resume) run.drop_metrics_after(checkpoint ? state.step : -1);
  session.config.training.lanes = engine->summary().lanes;
  session.config.training.micro_batch = engine->summary().micro_batch;
  write_file_atomically(run.config(), resolved_yaml(session.config, provenance_of(session), path));
  write_learned(path, session.corpus);

  std::optional<Recording> recording;
  if (!reader.sentences().empty()) {
    recording.emplace(run.attention(), config.model.layers, config.model.heads, reader.sentences(), state.step);
    log_recording(*recording, config.inspect.every, steps);
  }

  const Floors floors = floors_of(session);
  write_floors(run.floors(), floors);
  const auto [floor_name, floor] = lowest(floors);
  const Terminal terminal = terminal_of(STDERR_FILENO);
  const bool redraw = config.log.progress == Progress::kOn || (config.log.progress == Progress::kAuto && terminal.is_terminal);
  std::function<Evaluation()> validate;
  if (session.corpus.validation)
    validate = [&] {
      return evaluate(*engine, *session.corpus.validation, *session.collator, session.heads(), {session.evaluation_tokens(), 0});
    };
  const TrainerSettings settings{
      steps, config.optimizer.learning_rate, config.schedule, config.evaluation, config.checkpoint, config.log.interval};
  TrainOutcome outcome{path, {}, engine->summary().parameters, {}, {}};
  {
    ConsoleReporter reporter(terminal, redraw, state.step, floor_name, floor);
    std::optional<TensorboardReporter> tensorboard;
    if (config.log.tensorboard)
      tensorboard.emplace(reporter, *engine, run.tensorboard(), state.step, read_file(run.config(), ErrorKind::kCheckpoint));
    Reporter& first = tensorboard ? static_cast<Reporter&>(*tensorboard) : reporter;
    std::optional<RecordingReporter> recorder;
    if (recording) recorder.emplace(first, *engine, std::move(reader), std::move(*recording), config.inspect.every);
    if (recorder) recorder->begin(state.step);
    outcome.result = train(*engine, *loader, settings, state, validate, run, recorder ? *recorder : first);
    if (recorder && outcome.result.ending != Ending::kSignal) recorder->record(outcome.result.state.step);
  }
  const TrainState& end = outcome.result.state;
  if (outcome.result.ending == Ending::kSignal) {
    log_info("stopped by {} after step {}, which is saved; go on with the same command and --resume",
             outcome.result.signal == SIGINT ? "SIGINT" : "SIGTERM", thousands(end.step));
    return outcome;
  }
  if (outcome.result.ending == Ending::kPatience)
    log_info("stopped early after step {}: {} evaluations without a better {}", thousands(end.step), config.evaluation.patience,
             config.evaluation.metric);
  if (config.inspect.every > 0 && write_recorded_page(run, session)) log_info("page        {}", run.page());
  if (end.best_step >= 0 && end.best_step != end.step)
    engine->set_parameters(load_checkpoint(path, CheckpointChoice::kBest).model);
  const int64_t best = end.best_step >= 0 ? end.best_step : end.step;
  if (const std::string split = session.corpus.test ? "test" : "validation"; session.corpus.split(split) != nullptr) {
    outcome.report = report_split(session, *engine, split, best);
    outcome.text = draw_report(*outcome.report, terminal_of(STDOUT_FILENO).style);
  }
  return outcome;
}

nlohmann::ordered_json to_json(const TrainOutcome& o, const Config& config) {
  nlohmann::ordered_json out{{"run", o.run},
                             {"seed", config.run.seed},
                             {"ending", name_of(o.result.ending)},
                             {"steps", o.result.state.step},
                             {"tokens", o.result.state.tokens},
                             {"seconds", o.result.state.seconds},
                             {"parameters", o.parameters}};
  if (o.result.state.best_metric) {
    out["best_step"] = o.result.state.best_step;
    out["best_" + config.evaluation.metric] = *o.result.state.best_metric;
  }
  if (o.report) out[o.report->split] = to_json(*o.report);
  return out;
}

}  // namespace vitrine
