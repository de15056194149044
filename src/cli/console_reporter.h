#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "base/log.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "train/trainer.h"

namespace vitrine {

// Tells a person how training goes, on stderr: a line that is redrawn at most ten times a second on a terminal, a plain line each
// log interval elsewhere. Evaluations are lines in both cases, and in the log file.
class ConsoleReporter : public Reporter, public StatusLine {
 public:
  // `redraw`: whether to draw the line at all. `floor`: what the loss is shown beside; negative: nothing.
  ConsoleReporter(const Terminal& terminal, bool redraw, int64_t first_step, std::string floor_name, double floor);
  ~ConsoleReporter() override;

  void step(const Step& step) override;
  void log(const TrainingLog& log) override;
  void evaluated(int64_t step, const Evaluation& evaluation, bool best) override;
  void hide() override;
  void show() override;

 private:
  using Clock = std::chrono::steady_clock;
  void announce(const Step& step);

  TerminalStyle style_;
  bool redraw_, visible_ = false, announced_ = false;
  TrainingProgress progress_;
  int64_t first_step_, steps_timed_ = 0;
  double smooth_ = 0, smooth_weight_ = 0;  // exponential means and the weight that they have gathered
  double seconds_per_step_ = 0, tokens_per_step_ = 0;
  Clock::time_point started_, drawn_;
};

}  // namespace vitrine
