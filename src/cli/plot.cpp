#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/file.h"
#include "base/log.h"
#include "cli/chart.h"
#include "cli/curves.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

namespace vitrine {
namespace {

class PlotVerb : public Verb {
 public:
  CLI::App* declare(CLI::App& program) override {
    CLI::App* verb = program.add_subcommand("plot", "curves of runs, in the terminal or as SVG");
    verb->add_option("RUN", runs_, "run directories, such as runs/quickstart")->required();
    verb->add_option("--metric", metric_, "what is drawn beside the loss (default: evaluation.metric, or else accuracy)")
        ->type_name("NAME");
    verb->add_option("--out", out_, "an SVG file, instead of the terminal")->type_name("F.svg");
    verb->footer("Examples:\n  vitrine plot runs/quickstart\n  vitrine plot runs/trec-seed* --out trec.svg");
    return verb;
  }

  int run() override {
    for (const std::string& path : runs_) read_.push_back(read_curves(path));
    if (metric_.empty()) metric_ = read_[0].metric.empty() || read_[0].metric == "loss" ? "accuracy" : read_[0].metric;
    std::vector<Chart> charts{chart("loss", {"train", "validation"})};
    charts[0].levels = common_floors("loss");
    if (Chart more = chart(metric_, {"validation"}); !more.curves.empty())
      more.levels = common_floors(metric_), charts.push_back(std::move(more));
    else if (read_[0].numbers.contains({"validation", "loss"}))
      log_warning("no run has a number called '{}'", metric_);
    if (!out_.empty()) {
      write_file_atomically(out_, draw_svg(charts));
      print(out_ + "\n");
      return 0;
    }
    std::string text;
    for (const Chart& c : charts) text += (text.empty() ? "" : "\n") + draw_text(c, terminal_of(STDOUT_FILENO).style);
    print(text);
    return 0;
  }

 private:
  Chart chart(const std::string& name, const std::vector<std::string>& splits) const {
    Chart out{name, "step", {}, {}};
    for (size_t r = 0; r < read_.size(); ++r)
      for (const std::string& split : splits)
        for (const auto& [key, points] : read_[r].numbers)  // with several heads: masked_lm.loss, …
          if (key.first == split && (key.second == name || key.second.ends_with("." + name))) {
            const std::string what = key.second == name ? split : split + " " + key.second;
            out.curves.push_back(
                {fmt::format("{} {}", read_[r].path, what), r, split == "train" && splits.size() > 1, thinned(points)});
          }
    return out;
  }

  // What all runs are compared with: the most frequent class is right so often, the other floors are losses.
  std::vector<Level> common_floors(const std::string& metric) const {
    std::vector<Level> out;
    for (const auto& [name, value] : read_[0].floors) {
      const auto same = [&, n = name, v = value](const RunCurves& r) { return r.floors.contains(n) && r.floors.at(n) == v; };
      if ((name == "majority" ? "accuracy" : "loss") == metric && std::all_of(read_.begin(), read_.end(), same))
        out.push_back({name, value});
    }
    return out;
  }

  std::vector<std::string> runs_;
  std::string metric_, out_;
  std::vector<RunCurves> read_;
};

}  // namespace

std::unique_ptr<Verb> make_plot_verb() { return std::make_unique<PlotVerb>(); }

}  // namespace vitrine
