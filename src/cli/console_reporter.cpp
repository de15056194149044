#include "cli/console_reporter.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "cli/report.h"

namespace vitrine {
namespace {

constexpr double kForget = 0.97;  // of the smoothed loss, a step
constexpr auto kFrame = std::chrono::milliseconds(100);
constexpr int64_t kTimedSteps = 5;      // after which the expected time is told
constexpr double kTimedSeconds = 0.25;  // and at least so long

}  // namespace

ConsoleReporter::ConsoleReporter(const Terminal& terminal, bool redraw, int64_t first_step, std::string floor_name, double floor)
    : style_(terminal.style), redraw_(redraw), first_step_(first_step), started_(Clock::now()) {
  progress_.floor_name = std::move(floor_name);
  progress_.floor = floor;
  if (redraw_) set_status_line(this);
}

ConsoleReporter::~ConsoleReporter() {
  if (!redraw_) return;
  set_status_line(nullptr);
  hide();
}

void ConsoleReporter::hide() {
  if (!visible_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  visible_ = false;
}

void ConsoleReporter::show() {
  if (progress_.step == 0) return;
  const std::string line = draw_progress(progress_, {style_.colours, style_.width - 1});
  std::fprintf(stderr, "\r%s\x1b[K", line.c_str());
  std::fflush(stderr);
  visible_ = true;
}

void ConsoleReporter::step(const Step& step) {
  smooth_ = kForget * smooth_ + (1 - kForget) * step.loss;
  smooth_weight_ = kForget * smooth_weight_ + (1 - kForget);
  ++steps_timed_;
  if (steps_timed_ > 1) {  // the first one warms caches up
    const double share = std::max(0.02, 1.0 / static_cast<double>(steps_timed_ - 1));
    seconds_per_step_ += share * (step.seconds - seconds_per_step_);
    tokens_per_step_ += share * (static_cast<double>(step.tokens) - tokens_per_step_);
  }
  progress_.step = step.step;
  progress_.steps = step.steps;
  progress_.loss = smooth_ / smooth_weight_;
  progress_.learning_rate = step.learning_rate;
  progress_.tokens_per_s = seconds_per_step_ > 0 ? tokens_per_step_ / seconds_per_step_ : 0;
  const auto now = Clock::now();
  // Evaluations and saves take time, too: the mean over everything so far.
  const double elapsed = std::chrono::duration<double>(now - started_).count();
  progress_.seconds_left = elapsed / static_cast<double>(step.step - first_step_) * static_cast<double>(step.steps - step.step);
  announce(step);
  if (!redraw_ || now - drawn_ < kFrame) return;
  drawn_ = now;
  progress_.losses.push_back(progress_.loss);
  show();
}

void ConsoleReporter::announce(const Step& step) {
  const double timed = seconds_per_step_ * static_cast<double>(steps_timed_ - 1);
  if (announced_ || steps_timed_ <= kTimedSteps || timed < kTimedSeconds) return;
  announced_ = true;
  log_info("time        about {} for {} steps ({:.1f} ms each, {} tokens/s), evaluations not counted",
           duration(seconds_per_step_ * static_cast<double>(step.steps - first_step_)), thousands(step.steps - first_step_),
           seconds_per_step_ * 1e3, short_count(progress_.tokens_per_s));
}

void ConsoleReporter::log(const TrainingLog& log) {
  if (redraw_) return;
  log_info("step {}/{}  loss {:.4f}  gradient {:.2g}  rate {:.2e}  {} tokens/s  {} left", thousands(log.step),
           thousands(progress_.steps), log.loss, log.gradient_norm, log.learning_rate, thousands(std::llround(log.tokens_per_s)),
           duration(progress_.seconds_left));
}

void ConsoleReporter::evaluated(int64_t step, const Evaluation& e, bool best) {
  std::string text = fmt::format("step {}  validation loss {:.4f}", thousands(step), e.loss);
  for (const auto& [name, value] : headlines(e)) text += fmt::format("  {} {}", name, value);
  log_info("{}{}", text, best ? "  (best so far)" : "");
}

}  // namespace vitrine
