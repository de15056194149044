#include <CLI/CLI.hpp>

#include "base/log.h"
#include "cli/verbs.h"
#include "config/config.h"
#include "config/guess.h"
#include "config/recipes.h"

namespace vitrine {
namespace {

std::string list_of_tasks() {
  std::string out;
  for (const Recipe& recipe : recipes()) out += fmt::format("{:<16} {}\n", recipe.name, recipe.about);
  return out;
}

class ConfigVerb : public Verb {
 public:
  CLI::App* declare(CLI::App& program) override {
    CLI::App* verb = program.add_subcommand("config", "shows, checks and explains configurations");
    verb->require_subcommand(1);
    show_ = verb->add_subcommand("show", "every value of a configuration, defaults included");
    add_config_argument(*show_, path_, sets_);
    show_->add_flag("--origin", origin_, "where each value comes from: a line of the file, --set, or the default");
    show_->footer("Example:\n  vitrine config show configs/trec.yaml --origin");
    check_ = verb->add_subcommand("check", "finds every mistake of a configuration at once");
    add_config_argument(*check_, path_, sets_);
    check_->footer("Example:\n  vitrine config check configs/trec.yaml");
    explain_ = verb->add_subcommand("explain", "what a key means: its type, range and default");
    explain_->add_option("KEY", key_, "a key or a section; all of them where there is none");
    explain_->add_flag("--markdown", markdown_, "the reference page of all keys");
    explain_->footer("Example:\n  vitrine config explain optimizer.learning_rate");
    init_ = verb->add_subcommand("init", "a complete commented configuration to begin with");
    init_->add_option("TASK", task_, "what is to be learnt; without it the tasks are listed");
    init_->add_option("--data", data_, "a file of yours: its form, columns and sizes are guessed, with the reasons")
        ->type_name("FILE")
        ->excludes("TASK");
    init_->footer(
        "Examples:\n"
        "  vitrine config init classification > mine.yaml\n"
        "  vitrine config init --data reviews.csv > mine.yaml");
    schema_ = verb->add_subcommand("schema", "JSON Schema 2020-12 of configurations, for editors");
    schema_->footer("Example:\n  vitrine config schema > configs/vitrine.schema.json");
    verb->footer("Example:\n  vitrine config explain model");
    return verb;
  }

  int run() override {
    if (schema_->parsed()) {
      print(json_schema());
      return 0;
    }
    if (explain_->parsed()) {
      print(markdown_ ? reference_page() : explain(key_));
      return 0;
    }
    if (init_->parsed()) {
      print(!data_.empty() ? write_config_for(data_) : task_.empty() ? list_of_tasks() : write_recipe(task_));
      return 0;
    }
    const LoadedConfig loaded = read_config(path_, sets_);
    for (const std::string& warning : loaded.warnings) log_warning("{}", warning);
    print(show_->parsed() ? show(loaded, origin_) : path_ + ": no mistakes\n");
    return 0;
  }

 private:
  CLI::App *show_ = nullptr, *check_ = nullptr, *explain_ = nullptr, *schema_ = nullptr, *init_ = nullptr;
  std::string path_, key_, task_, data_;
  std::vector<std::string> sets_;
  bool origin_ = false, markdown_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_config_verb() { return std::make_unique<ConfigVerb>(); }

}  // namespace vitrine
