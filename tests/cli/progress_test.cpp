#include "cli/progress.h"

#include <cstdlib>

#include "cli/terminal.h"
#include "support/catch.h"

using namespace vitrine;

namespace {

TrainingProgress half_way() {
  TrainingProgress p;
  p.step = 1500;
  p.steps = 3000;
  p.loss = 1.2345;
  p.losses = {7, 6, 5, 4, 3, 2, 1};
  p.floor_name = "floor";
  p.floor = 0.8651;
  p.tokens_per_s = 171'234;
  p.learning_rate = 1.67e-3;
  p.seconds_left = 75;
  return p;
}

}  // namespace

TEST_CASE("the progress line in a wide and in a narrow window") {
  CHECK(draw_progress(half_way(), {Colours::kNone, 120}) ==
        "1,500/3,000  ━━━━━━━━━━━━━━──────────────  loss 1.234  ▇▆▅▄▃▂▁  floor 0.865  171k tokens/s  rate 1.7e-03  1:15 left");
  CHECK(draw_progress(half_way(), {Colours::kNone, 60}) == "1,500/3,000  ━━━━─────  loss 1.234  171k tokens/s  1:15 left");
  CHECK(draw_progress(half_way(), {Colours::kNone, 24}) == "1,500/3,000  loss 1.234");
}

TEST_CASE("the progress line is never wider than the window, and colours change nothing else") {
  const int width = GENERATE(range(10, 200));
  CHECK(display_width(draw_progress(half_way(), {Colours::kNone, width})) <= width);
}

TEST_CASE("a floor that is not known and an empty curve are left out") {
  TrainingProgress p = half_way();
  p.floor = -1;
  p.losses.clear();
  CHECK(draw_progress(p, {Colours::kNone, 120}).find("floor") == std::string::npos);
  CHECK(draw_progress(p, {Colours::kNone, 120}).find("  loss 1.234  171k tokens/s") != std::string::npos);
}

TEST_CASE("a curve has the means of equal parts") {
  CHECK(sparkline({}, 5) == "");
  CHECK(sparkline({2}, 5) == "▁");
  CHECK(sparkline({6, 8, 1, 1}, 2) == "▇▁");
  CHECK(sparkline({1, 2, 3, 4, 5, 6, 7}, 7) == "▁▂▃▄▅▆▇");
}

TEST_CASE("numbers for people") {
  CHECK(thousands(0) == "0");
  CHECK(thousands(999) == "999");
  CHECK(thousands(1000) == "1,000");
  CHECK(thousands(-1234567) == "-1,234,567");
  CHECK(short_count(950) == "950");
  CHECK(short_count(1234) == "1.2k");
  CHECK(short_count(171'234) == "171k");
  CHECK(short_count(999'700) == "1.0M");
  CHECK(duration(7.4) == "0:07");
  CHECK(duration(59.9) == "1:00");
  CHECK(duration(3723) == "1:02:03");
  CHECK(megabytes(400'000) == "0.4 MB");
  CHECK(megabytes(12'300'000) == "12 MB");
}

TEST_CASE("what is no terminal has neither colours nor redrawing; COLUMNS says its width") {
  setenv("COLORTERM", "truecolor", 1);
  setenv("COLUMNS", "47", 1);
  FILE* file = std::tmpfile();
  const Terminal t = terminal_of(fileno(file));
  std::fclose(file);
  CHECK_FALSE(t.is_terminal);
  CHECK(t.style.colours == Colours::kNone);
  CHECK(t.style.width == 47);
  setenv("COLUMNS", "many", 1);
  CHECK(terminal_of(-1).style.width == 80);
  unsetenv("COLUMNS");
}
