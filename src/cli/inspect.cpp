#include <CLI/CLI.hpp>

#include "base/error.h"
#include "cli/head_report.h"
#include "cli/verbs.h"

namespace vitrine {
namespace {

class InspectVerb : public Verb {
 public:
  CLI::App* declare(CLI::App& program) override {
    CLI::App* verb = program.add_subcommand("inspect", "what every head does over a split, and what that amounts to");
    add_run_argument(*verb, run_, sets_);
    auto* table = verb->add_flag("--table", table_, "every head: what the loss is without it, where it looks, what it carries");
    verb->add_option("--split", table_of_.split, "train, validation or test (default: test, or else validation)");
    verb->add_option("--limit", table_of_.limit, "of --table: the first N sequences alone")
        ->type_name("N")
        ->needs(table)
        ->check(whole_number(1));
    auto* csv = verb->add_flag("--csv", table_of_.csv, "the table as CSV, a line for each number")->needs(table);
    verb->add_flag("--json", table_of_.json, "the table as one JSON object")->needs(table)->excludes(csv);
    verb->footer("Example:\n  vitrine inspect runs/quickstart --table");
    return verb;
  }

  int run() override {
    if (!table_) fail(ErrorKind::kConfig, "inspect needs --table");
    report_heads(open_run(run_, sets_), table_of_);
    return 0;
  }

 private:
  std::string run_;
  std::vector<std::string> sets_;
  bool table_ = false;
  HeadReportOptions table_of_;
};

}  // namespace

std::unique_ptr<Verb> make_inspect_verb() { return std::make_unique<InspectVerb>(); }

}  // namespace vitrine
