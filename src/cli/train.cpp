#include <CLI/CLI.hpp>
#include <cerrno>  // program_invocation_name
#include <csignal>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/log.h"
#include "cli/statistics.h"
#include "cli/train_run.h"
#include "cli/verbs.h"

namespace vitrine {
namespace {

using Json = nlohmann::ordered_json;

struct NamedSpread {
  std::string name;
  Spread spread;
};

// Of every number that all reports have.
std::vector<NamedSpread> spreads_of(const std::vector<Json>& reports) {
  std::map<std::string, std::vector<double>> values;
  for (const Json& report : reports)
    for (const auto& [name, value] : numbers_of(report)) values[name].push_back(value);
  std::vector<NamedSpread> out;
  for (const auto& [name, first] : numbers_of(reports.front()))
    if (values[name].size() == reports.size()) out.push_back({name, spread_of(values[name])});
  return out;
}

class TrainVerb : public Verb {
 public:
  CLI::App* declare(CLI::App& program) override {
    CLI::App* verb = program.add_subcommand("train", "trains a model and writes a run directory");
    add_config_argument(*verb, config_, sets_);
    verb->add_option("--run-dir", run_dir_, "where the run is written (default: runs/ and run.name)")->type_name("DIR");
    auto* resume = verb->add_flag("--resume", resume_, "goes on with an existing run, to the bit");
    verb->add_flag("--overwrite", overwrite_, "starts anew in an existing run directory")->excludes(resume);
    verb->add_option("--seeds", seeds_text_, "trains once for each seed, then says mean and standard deviation")
        ->type_name("1,2,5-7");
    verb->add_flag("--json", json_, "the results as one JSON object on stdout");
    verb->footer(
        "Examples:\n"
        "  vitrine train configs/quickstart.yaml\n"
        "  vitrine train configs/trec.yaml --set training.epochs=3 --run-dir runs/short\n"
        "  vitrine train configs/trec.yaml --seeds 1-5");
    return verb;
  }

  int run() override {
    if (seeds_text_.empty()) return train_one();
    seeds_ = parse_seeds(seeds_text_);
    return train_seeds();
  }

 private:
  RunDirectory::Mode mode() const {
    return resume_ ? RunDirectory::Mode::kResume : overwrite_ ? RunDirectory::Mode::kOverwrite : RunDirectory::Mode::kNew;
  }

  Config load(const std::vector<std::string>& sets, bool warn) const {
    LoadedConfig loaded = read_config(config_, sets);
    for (const std::string& warning : loaded.warnings)
      if (warn) log_warning("{}", warning);
    return loaded.config;
  }

  std::string directory(const Config& config) const { return run_dir_.empty() ? "runs/" + config.run.name : run_dir_; }

  int train_one() {
    const Config config = load(sets_, true);
    const TrainOutcome outcome = train_in(directory(config), mode(), config);
    if (json_) {
      print(to_json(outcome, config).dump() + "\n");
    } else {
      std::string text = outcome.text;
      if (outcome.result.ending != Ending::kSignal) {
        text +=
            fmt::format("\nNext:  {} attention {} --sample 1     what its heads look at\n", program_invocation_name, outcome.run);
      }
      print(text + fmt::format("Run directory: {}\n", outcome.run));
    }
    return outcome.result.ending == Ending::kSignal ? 128 + outcome.result.signal : 0;
  }

  int train_seeds() {
    std::vector<Json> outcomes, reports;
    std::string base, table;
    std::vector<Config> configs;
    for (const int64_t seed : seeds_) {  // what cannot begin is said before the first one has trained
      std::vector<std::string> sets = sets_;
      sets.push_back(fmt::format("run.seed={}", seed));
      configs.push_back(load(sets, configs.empty()));
      base = directory(configs.back());
      const std::string path = fmt::format("{}-seed{}", base, seed);
      if (mode() == RunDirectory::Mode::kNew && std::filesystem::exists(path) && !std::filesystem::is_empty(path))
        RunDirectory::create(path, mode());
    }
    for (const Config& config : configs) {
      const int64_t seed = config.run.seed;
      const std::string path = fmt::format("{}-seed{}", base, seed);
      const bool begun = !resume_ || std::filesystem::exists(path);  // an earlier seed may have been stopped
      const TrainOutcome outcome = train_in(path, begun ? mode() : RunDirectory::Mode::kNew, config);
      outcomes.push_back(to_json(outcome, config));
      if (outcome.result.ending == Ending::kSignal) {
        if (json_) print(Json{{"seeds", outcomes}}.dump() + "\n");
        return 128 + outcome.result.signal;
      }
      if (!outcome.report) continue;
      reports.push_back(to_json(*outcome.report));
      std::string title = fmt::format("  {:>6}  {:>9}", "seed", "loss"),
                  row = fmt::format("  {:>6}  {:>9.4f}", seed, outcome.report->evaluation.loss);
      for (const auto& [name, value] : headlines(outcome.report->evaluation)) {
        title += fmt::format("  {:>10}", name);
        row += fmt::format("  {:>{}}", value, std::max<size_t>(10, name.size()));
      }
      if (table.empty()) table = title + "   run\n";
      table += fmt::format("{}   {}\n", row, outcome.run);
    }
    const std::vector<NamedSpread> spreads = reports.empty() ? std::vector<NamedSpread>{} : spreads_of(reports);
    if (json_) {
      Json out{{"seeds", outcomes}, {"mean", Json::object()}, {"deviation", Json::object()}};
      for (const auto& [name, s] : spreads) {
        out["mean"][name] = s.mean;
        out["deviation"][name] = s.deviation;
      }
      print(out.dump() + "\n");
      return 0;
    }
    std::string text;
    if (!reports.empty()) {
      text = fmt::format("{} over {} seeds\n{}", reports[0]["split"].get<std::string>(), reports.size(), table);
      text += "  mean ± standard deviation\n";
      for (const auto& [name, s] : spreads)
        if (!name.starts_with("floors.")) text += fmt::format("  {:<40} {:>9.4f} ± {:.4f}\n", name, s.mean, s.deviation);
    }
    print(text + fmt::format("Run directories: {}-seed{{{}}}\n", base, fmt::join(seeds_, ",")));
    return 0;
  }

  std::string config_, run_dir_, seeds_text_;
  std::vector<std::string> sets_;
  std::vector<int64_t> seeds_;
  bool resume_ = false, overwrite_ = false, json_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_train_verb() { return std::make_unique<TrainVerb>(); }

}  // namespace vitrine
