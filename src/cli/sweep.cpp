#include "cli/sweep.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/statistics.h"
#include "cli/train_run.h"
#include "cli/verbs.h"

namespace vitrine {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

// One training of the grid. It is done when its folder holds result.json, which is written last.
struct SweepRun {
  size_t cell = 0;
  std::string name, path;
  Config config;
  Json result;  // null: not yet; with "diverged" there are no numbers

  std::string result_file() const { return path + "/result.json"; }
};

// A setting of the grid over its seeds.
struct CellScore {
  int64_t diverged = 0;
  std::vector<double> validation, test;
};

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

class SweepVerb : public Verb {
 public:
  CLI::App* declare(CLI::App& program) override {
    CLI::App* verb = program.add_subcommand("sweep", "trains every setting of a grid with every seed, and compares them");
    add_config_argument(*verb, config_, sets_);
    verb->get_option("--set")->description(
        "a value, or several of which each is tried: --set model.heads=1,2,4 (again for more)");
    verb->add_option("--seeds", seeds_, "such as 1-5 or 1,2,3 (default: that of the configuration)")->type_name("SEEDS");
    verb->add_option("--out", out_, "where the runs, results.csv and best.yaml are written (default: runs/NAME-sweep)")
        ->type_name("DIR");
    verb->add_flag("--json", json_, "the results as one JSON object on stdout");
    verb->footer(
        "What is done already is not done again: after a stop the same command goes on.\n"
        "Example:\n"
        "  vitrine sweep configs/trec.yaml --set model.heads=1,2,4 --set optimizer.learning_rate=1e-3,3e-3 --seeds 1-5");
    return verb;
  }

  int run() override {
    plan();
    write_csv();
    int64_t number = 0;
    for (SweepRun& r : runs_) {
      ++number;
      if (!r.result.is_null()) continue;
      log_info("run {} of {}: {}", number, runs_.size(), r.name);
      if (const int signal = train(r); signal != 0) {
        log_info("the same command goes on with the sweep");
        return 128 + signal;
      }
      write_csv();
    }
    report();
    return 0;
  }

 private:
  // All configurations are read, and all that is there already is looked at, before the first training.
  void plan() {
    for (const std::string& assignment : sets_) axes_.push_back(parse_axis(assignment));
    cells_ = grid_of(axes_);
    std::set<std::string> names;
    for (size_t cell = 0; cell < cells_.size(); ++cell) {
      std::vector<int64_t> seeds = seeds_.empty() ? std::vector<int64_t>{-1} : parse_seeds(seeds_);
      for (const int64_t seed : seeds) {
        std::vector<std::string> sets = cells_[cell];
        if (seed >= 0) sets.push_back(fmt::format("run.seed={}", seed));
        const LoadedConfig loaded = read_config(config_, sets);
        if (runs_.empty())
          for (const std::string& warning : loaded.warnings) log_warning("{}", warning);
        SweepRun r;
        r.cell = cell;
        r.config = loaded.config;
        r.name = sweep_run_name(varied(cells_[cell]), loaded.config.run.seed);
        if (out_.empty()) out_ = "runs/" + loaded.config.run.name + "-sweep";
        r.path = out_ + "/" + r.name;
        if (!names.insert(r.name).second) fail(ErrorKind::kConfig, "two runs of the sweep would have the name '{}'", r.name);
        runs_.push_back(std::move(r));
      }
    }
    for (SweepRun& r : runs_) {
      if (const std::string resolved = r.path + "/config.resolved.yaml"; fs::exists(resolved))
        check_same(r.config, load_config(resolved), r.path, Sameness::kResult);
      if (!fs::exists(r.result_file())) continue;
      r.result = Json::parse(read_file(r.result_file(), ErrorKind::kCheckpoint), nullptr, false);
      if (!r.result.is_object()) fail(ErrorKind::kCheckpoint, "'{}' is not what a sweep wrote", r.result_file());
    }
    make_directories(out_);
  }

  std::vector<std::string> varied(const std::vector<std::string>& cell) const {
    std::vector<std::string> out;
    for (size_t a = 0; a < axes_.size(); ++a)
      if (axes_[a].values.size() > 1) out.push_back(cell[a]);
    return out;
  }

  // The signal that stopped it; 0: it ended.
  int train(SweepRun& r) {
    const auto mode = fs::exists(r.path + "/run.json") ? RunDirectory::Mode::kResume : RunDirectory::Mode::kNew;
    try {
      const TrainOutcome outcome = train_in(r.path, mode, r.config);
      if (outcome.result.ending == Ending::kSignal) return outcome.result.signal;
      r.result = to_json(outcome, r.config);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kDiverged) throw;
      log_warning("{}: {}", r.name, error.what());
      r.result = {{"diverged", error.what()}};
    }
    write_file_atomically(r.result_file(), r.result.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
    return 0;
  }

  // One row for each number of each run that is done.
  void write_csv() const {
    std::string out = "run";
    for (const SweepAxis& axis : axes_) out += "," + csv_field(axis.key);
    out += ",seed,name,value\n";
    for (const SweepRun& r : runs_) {
      if (r.result.is_null()) continue;
      std::string start = csv_field(r.name);
      for (const std::string& assignment : cells_[r.cell]) start += "," + csv_field(assignment.substr(assignment.find('=') + 1));
      start += fmt::format(",{}", r.config.run.seed);
      if (r.result.contains("diverged")) out += start + ",diverged,1\n";
      for (const auto& [name, value] : numbers_of(r.result))
        if (name != "seed") out += fmt::format("{},{},{}\n", start, csv_field(name), value);
    }
    write_file_atomically(out_ + "/results.csv", out);
  }

  std::string metric() const { return runs_[0].config.evaluation.metric; }

  std::vector<CellScore> scores() const {
    std::vector<CellScore> out(cells_.size());
    for (const SweepRun& r : runs_) {
      CellScore& score = out[r.cell];
      if (r.result.contains("diverged")) {
        ++score.diverged;
        continue;
      }
      if (const auto best = r.result.find("best_" + metric()); best != r.result.end())
        score.validation.push_back(best->get<double>());
      if (const auto test = r.result.find("test"); test != r.result.end())
        for (const auto& [name, value] : numbers_of(*test))
          if (name == metric() || name.ends_with("." + metric())) {
            score.test.push_back(value);
            break;
          }
    }
    return out;
  }

  // By the mean on the validation split; a setting of which a run diverged is not it. −1: there is none.
  int64_t best_of(const std::vector<CellScore>& scores) const {
    int64_t best = -1;
    for (size_t c = 0; c < scores.size(); ++c) {
      if (scores[c].diverged > 0 || scores[c].validation.empty()) continue;
      const double mean = spread_of(scores[c].validation).mean;
      const double least = best < 0 ? 0 : spread_of(scores[static_cast<size_t>(best)].validation).mean;
      if (best < 0 || (higher_is_better(metric()) ? mean > least : mean < least)) best = static_cast<int64_t>(c);
    }
    return best;
  }

  void report() const {
    const std::vector<CellScore> all = scores();
    const int64_t best = best_of(all);
    if (best >= 0) write_best(best, spread_of(all[static_cast<size_t>(best)].validation));
    if (json_) return print(json_of(all, best).dump() + "\n");
    std::string text = fmt::format("{} settings, {} runs in {}; {}: mean ± standard deviation [95 % interval of the mean]\n",
                                   cells_.size(), runs_.size(), out_, metric());
    std::vector<std::string> names;
    size_t width = 7;
    for (const auto& cell : cells_) {
      names.push_back(varied(cell).empty() ? "as it is" : fmt::format("{}", fmt::join(varied(cell), " ")));
      width = std::max(width, names.back().size());
    }
    text += fmt::format("  {:<{}}  {:>5}  {:<36} {}\n", "setting", width, "seeds", "validation", "test");
    for (size_t c = 0; c < cells_.size(); ++c) {
      const size_t n = all[c].validation.size() + static_cast<size_t>(all[c].diverged);
      text += fmt::format("{} {:<{}}  {:>5}  {:<36} {}{}\n", static_cast<int64_t>(c) == best ? "*" : " ", names[c], width,
                          std::max(n, all[c].test.size()), spread_text(all[c].validation), spread_text(all[c].test),
                          all[c].diverged > 0 ? fmt::format("  {} diverged", all[c].diverged) : "");
    }
    text += best < 0 ? "No setting is called the best: there is no validation split, or all diverged.\n"
                     : fmt::format("* the best by its mean on the validation split: {}/best.yaml\n", out_);
    print(text + fmt::format("Every number of every run: {}/results.csv\n", out_));
  }

  static std::string spread_text(const std::vector<double>& values) {
    if (values.empty()) return "–";
    const Spread s = spread_of(values);
    if (s.n == 1) return fmt::format("{:.4f}", s.mean);
    return fmt::format("{:.4f} ± {:.4f} [{:.4f}, {:.4f}]", s.mean, s.deviation, s.mean - s.half_width, s.mean + s.half_width);
  }

  void write_best(int64_t best, const Spread& s) const {
    const auto of_best = [&](const SweepRun& r) { return r.cell == static_cast<size_t>(best); };
    const SweepRun& first = *std::find_if(runs_.begin(), runs_.end(), of_best);
    write_file_atomically(
        out_ + "/best.yaml",
        resolved_yaml(
            load_config(first.path + "/config.resolved.yaml"),
            {{"sweep", fmt::format("the best of {} settings: {} {} over {} seeds", cells_.size(), metric(), s.mean, s.n)}},
            out_));
  }

  Json json_of(const std::vector<CellScore>& all, int64_t best) const {
    Json out{{"out", out_}, {"metric", metric()}, {"settings", Json::array()}, {"best", best < 0 ? Json() : Json(best)}};
    for (size_t c = 0; c < cells_.size(); ++c) {
      Json cell{{"set", cells_[c]}, {"diverged", all[c].diverged}};
      for (const auto& [split, values] : {std::pair{"validation", &all[c].validation}, {"test", &all[c].test}}) {
        if (values->empty()) continue;
        const Spread s = spread_of(*values);
        cell[split] = {{"n", s.n}, {"mean", s.mean}, {"deviation", s.deviation}};
        if (s.n > 1) cell[split]["interval"] = {s.mean - s.half_width, s.mean + s.half_width};
      }
      out["settings"].push_back(std::move(cell));
    }
    return out;
  }

  std::string config_, seeds_, out_;
  std::vector<std::string> sets_;
  std::vector<SweepAxis> axes_;
  std::vector<std::vector<std::string>> cells_;
  std::vector<SweepRun> runs_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_sweep_verb() { return std::make_unique<SweepVerb>(); }

}  // namespace vitrine
