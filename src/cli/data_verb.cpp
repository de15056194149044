#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/data_description.h"
#include "cli/session.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "config/recipes.h"
#include "data/truth_line.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;
constexpr size_t kPortion = 1 << 20;  // bytes handed to the system at once

// Files of one folder that stand there all or none: they are written under other names first.
class NewFiles {
 public:
  explicit NewFiles(std::string folder) : folder_(std::move(folder)) {}
  ~NewFiles() {
    for (const std::string& name : names_) remove_tree(partial(name));
  }
  NewFiles(const NewFiles&) = delete;
  NewFiles& operator=(const NewFiles&) = delete;

  LineFile open(const std::string& name) {
    names_.push_back(name);
    remove_leftovers(folder_ + "/" + name);
    return LineFile(partial(name), ErrorKind::kData);
  }
  void remove(const std::string& name) { gone_.push_back(name); }
  void finish() {
    for (const std::string& name : names_) rename_file(partial(name), folder_ + "/" + name, ErrorKind::kData);
    for (const std::string& name : gone_) remove_tree(folder_ + "/" + name);
    sync_directory(folder_, ErrorKind::kData);
    names_.clear();
  }

 private:
  std::string partial(const std::string& name) const { return fmt::format("{}/.{}.partial-{}", folder_, name, ::getpid()); }

  std::string folder_;
  std::vector<std::string> names_, gone_;
};

void write_lines(LineFile file, const Corpus& corpus, const Dataset& split) {
  std::string lines;
  for (int64_t i = 0; i < split.size(); ++i) {
    lines += truth_line(corpus, split, i) + "\n";
    if (lines.size() < kPortion && i + 1 < split.size()) continue;
    file.append_bytes(lines);
    lines.clear();
  }
  file.sync();
}

// `vitrine data`: what a corpus is made of.
class DataVerb : public Verb {
 public:
  CLI::App* declare(CLI::App& program) override {
    CLI::App* verb = program.add_subcommand("data", "writes corpora, and says what they hold");
    verb->require_subcommand(1);
    CLI::App* make = verb->add_subcommand("make", "writes the sequences of a synthetic task, their answers and links to files");
    make->add_option("TASK", task_, "one of " + fmt::format("{}", fmt::join(task_names(), ", ")))->required();
    make->add_option("--out", out_, "the folder for train.jsonl, validation.jsonl and test.jsonl")->type_name("DIR")->required();
    make->add_option("--set", sets_, "replaces a value of `vitrine config init TASK`: --set data.length=8 (again for more)")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
    make->add_flag("--overwrite", overwrite_, "replaces these files in a folder that is not empty");
    make->footer(
        "A line is one sequence; data/README.md describes its form. 20,000 are for training, unless --set data.train_sentences "
        "says "
        "how many.\n"
        "Example:\n"
        "  vitrine data make reverse --out data/reverse --set data.length=8 --set data.train_sentences=5000");
    describe_ = verb->add_subcommand("describe", "sizes, lengths, labels, unknown words, and what stands in two splits at once");
    add_config_argument(*describe_, path_, sets_);
    describe_->add_flag("--json", json_, "one JSON object on stdout");
    describe_->footer("Example:\n  vitrine data describe configs/trec.yaml");
    verb->footer("Example:\n  vitrine data make reverse --out data/reverse");
    return verb;
  }

  int run() override { return describe_->parsed() ? describe() : make(); }

 private:
  int describe() {
    const LoadedConfig loaded = read_config(path_, sets_);
    const Config& config = loaded.config;
    for (const std::string& warning : loaded.warnings) log_warning("{}", warning);
    const Corpus corpus = load_corpus(config.data, config.tokenizer, targets_of(config), static_cast<uint64_t>(config.run.seed),
                                      learned_for(config));
    const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    const CorpusSummary summary = summarize(corpus, config.run.threads > 0 ? static_cast<int>(config.run.threads) : cores);
    for (const std::string& warning : warnings_of(summary)) log_warning("{}", warning);
    print(json_ ? to_json(config, corpus, summary).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"
                : draw_description(config, corpus, summary, terminal_of(STDOUT_FILENO).style));
    return 0;
  }

  int make() {
    const Config config = task_config(task_, sets_);
    const Corpus corpus = load_corpus(config.data, config.tokenizer, targets_of(config), static_cast<uint64_t>(config.run.seed));
    std::error_code ignored;
    if (!overwrite_ && fs::is_directory(out_, ignored) && !fs::is_empty(out_, ignored))
      fail(ErrorKind::kConfig,
           "--out: the folder '{}' is not empty\nhelp: --overwrite replaces train.jsonl, validation.jsonl and test.jsonl in it",
           out_);
    make_directories(out_, ErrorKind::kData);
    NewFiles files(out_);
    std::string text;
    for (const std::string split : {"train", "validation", "test"}) {
      const std::string name = split + ".jsonl";
      if (const Dataset* data = corpus.split(split)) {
        write_lines(files.open(name), corpus, *data);
        text += fmt::format("{}/{}: {} sequence{}\n", out_, name, thousands(data->size()), data->size() == 1 ? "" : "s");
      } else {
        files.remove(name);  // of an earlier corpus
      }
    }
    files.finish();
    print(text);
    return 0;
  }

  CLI::App* describe_ = nullptr;
  std::string path_, task_, out_;
  std::vector<std::string> sets_;
  bool overwrite_ = false, json_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_data_verb() { return std::make_unique<DataVerb>(); }

}  // namespace vitrine
