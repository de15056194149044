#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/hash.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "labs/build.h"
#include "labs/folder.h"
#include "labs/grade.h"
#include "labs/report.h"

namespace vitrine {
namespace {

// `vitrine lab`: exercises cut from the sources, and what checks them.
class LabVerb : public Verb {
 public:
  CLI::App* declare(CLI::App& program) override {
    CLI::App* verb = program.add_subcommand("lab", "course labs: write a layer yourself, and be told what is wrong");
    verb->require_subcommand(1);
    list_ = verb->add_subcommand("list", "all labs: how long they take, what they teach, what they build on");
    list_->footer("Example:\n  vitrine lab list");
    start_ = verb->add_subcommand("start",
                                  "writes the folder of a lab: the file to complete, its derivation with open steps, a project");
    start_->add_option("LAB", name_, "one of `vitrine lab list`")->required();
    start_->add_option("--out", out_, "a folder that is not there yet")->type_name("DIR")->required();
    start_->footer("Example:\n  vitrine lab start softmax --out softmax");
    check_ =
        verb->add_subcommand("check", "builds what you wrote and says how far it is right; exit code 1 when something is wrong");
    check_->add_option("DIR", out_, "the folder of a lab")->required();
    check_->add_flag("--json", json_, "one JSON object on stdout");
    check_->footer("Example:\n  vitrine lab check softmax");
    grade_ = verb->add_subcommand("grade",
                                  "checks every submission of a folder: one table, and one file for each as Gradescope reads it");
    grade_->add_option("FOLDER", folder_, "holds the folder of a lab for each submission")->required();
    grade_
        ->add_option("--out", out_,
                     "where grades.csv and results/ are written; what is there of the same text is not checked again")
        ->type_name("DIR")
        ->required();
    grade_->add_option("--rubric", rubric_, "points of each check in YAML: points: {values: 3, odd sizes: 2}")->type_name("FILE");
    grade_->add_option("--key", key_, "draws the numbers from this word, which submissions do not know")->type_name("WORD");
    grade_->add_option("--jobs", jobs_, "submissions at a time (default 1)")->type_name("N")->check(whole_number(1));
    grade_->footer("Example:\n  vitrine lab grade submissions --out grades --key hidden --jobs 2");
    verb->footer("Example:\n  vitrine lab start softmax --out softmax");
    return verb;
  }

  int run() override { return list_->parsed() ? list() : start_->parsed() ? start() : check_->parsed() ? check() : grade(); }

 private:
  int list() const {
    std::string out = fmt::format("{:<14} {:>7}  {:<16}  {}\n", "lab", "minutes", "builds on", "what it teaches");
    for (const labs::Lab& lab : labs::all_labs())
      out += fmt::format("{:<14} {:>7}  {:<16}  {}\n", lab.about.name, lab.about.minutes, fmt::join(lab.about.after, ", "),
                         lab.about.teaches);
    print(out);
    return 0;
  }

  int start() const {
    const labs::Lab& lab = labs::find_lab(name_);
    std::error_code ignored;
    labs::write_lab_folder(lab, out_, std::filesystem::read_symlink("/proc/self/exe", ignored).string());
    print(
        fmt::format("{0}/handout.md   the derivation, with steps left open: begin here\n{0}/{1}.cpp   the file to "
                    "complete\n\nvitrine lab check {0}\n",
                    out_, name_));
    return 0;
  }

  int check() const {
    const labs::Submission submission = labs::read_submission(out_);
    const labs::Report report = labs::check_submission(labs::Workbench(*submission.lab), submission.text);
    print(json_ ? to_json(report).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"
                : draw_report(report, terminal_of(STDOUT_FILENO).style));
    return report.passed() ? 0 : 1;
  }

  int grade() const {
    const auto points = rubric_.empty() ? labs::default_points() : labs::read_rubric(rubric_);
    const uint64_t seed = key_.empty() ? 1 : hash_bytes(key_);
    const labs::Graded graded = labs::grade_folder({folder_, out_, points, seed, jobs_});
    print(fmt::format("{}/grades.csv: {} submission{}, {} checked now\n", out_, graded.submissions,
                      graded.submissions == 1 ? "" : "s", graded.again));
    return 0;
  }

  CLI::App *list_ = nullptr, *start_ = nullptr, *check_ = nullptr, *grade_ = nullptr;
  std::string name_, out_, folder_, rubric_, key_;
  int jobs_ = 1;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_lab_verb() { return std::make_unique<LabVerb>(); }

}  // namespace vitrine
