#include "cli/chart.h"

#include <algorithm>
#include <regex>

#include "inspect/figure.h"
#include "support/catch.h"

using namespace vitrine;

namespace {

Chart falling() {
  return {"loss",
          "step",
          {{"run train", 0, true, {{0, 4}, {10, 1}}}, {"run", 0, false, {{0, 3}, {5, 2}, {10, 2}}}},
          {{"floor", 1.5}}};
}

size_t count_of(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("ticks are round numbers") {
  CHECK(ticks_of(0, 10) == std::vector<double>{0, 2, 4, 6, 8, 10});
  CHECK(ticks_of(0, 1000).size() == 6);
  for (const auto& [low, high] : {std::pair{0.13, 0.91}, {-3.0, 17.0}, {1e-5, 9e-5}, {0.0, 2999.0}, {5.0, 5.1}}) {
    const std::vector<double> ticks = ticks_of(low, high);
    CHECK(ticks.size() >= 3);
    CHECK(ticks.size() <= 8);
    CHECK(ticks.front() >= low - 1e-9);
    CHECK(ticks.back() <= high + 1e-9);
  }
}

TEST_CASE("an SVG has each curve, its legend and the floors, and the same bytes every time") {
  const std::string svg = draw_svg({falling(), falling()});
  CHECK(svg == draw_svg({falling(), falling()}));
  CHECK(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
  CHECK(svg.ends_with("</svg>\n"));
  CHECK(count_of(svg, "stroke=\"#0072B2\" stroke-width=\"2\"") == 4);  // a curve and its entry in the legend, twice
  CHECK(count_of(svg, "stroke-opacity") == 4);
  CHECK(count_of(svg, "stroke-dasharray") == 4);
  CHECK(count_of(svg, ">floor 1.5</text>") == 2);
  // 240 high from y = 30; bounds 1 and 4 with 4 % more: the first point of the train curve is 3 + 0.12 − … from the top.
  CHECK(svg.find("M64.00 38.89L744.00 261.11\" fill=\"none\"") != std::string::npos);
  for (const char* forbidden : {"<script", "href", "url(", "nan", "inf"}) CHECK(svg.find(forbidden) == std::string::npos);
}

TEST_CASE("an SVG for a paper is as wide as its column, has its caption, and tells curves apart in grey") {
  Chart chart = falling();
  chart.curves.push_back({"other", 1, false, {{0, 2}, {10, 3}}, true});
  const std::string svg = draw_svg({chart}, {84, "Loss of a & b by step; " + std::string(200, 'x') + " end"});
  CHECK(svg == draw_svg({chart}, {84, "Loss of a & b by step; " + std::string(200, 'x') + " end"}));
  CHECK(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"84mm\""));
  CHECK(svg.find("<title>Loss of a &amp; b by step; x") != std::string::npos);
  CHECK(count_of(svg, ">end</text>") == 1);
  CHECK(count_of(svg, "stroke-dasharray=\"9 4\"") == 2);  // the curve and its entry
  // 84 mm are 238.1 points, and 12 units are 7 of them.
  CHECK(svg.find("viewBox=\"0 0 408.19 ") != std::string::npos);
  CHECK(svg.find("H392.1") != std::string::npos);  // the axis ends 16 units before
}

TEST_CASE("names in an SVG are text and nothing else") {
  Chart chart = falling();
  chart.curves[0].name = "</text><script>alert(1)</script> & \"\x01\xE2\x80\xAE";
  const std::string svg = draw_svg({chart});
  CHECK(svg.find("<script") == std::string::npos);
  CHECK(svg.find("&lt;/text&gt;&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;\\x01\\u202e") != std::string::npos);
}

TEST_CASE("a chart in a pipe is letters, one for each curve, and no escape codes") {
  const std::string text = draw_text(falling(), {Colours::kNone, 60});
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find("  a run train\n  b run\n  - floor 1.5\n") != std::string::npos);
  CHECK(text.find("step 10\n") != std::string::npos);
  CHECK(count_of(text, "\n") == 1 + 14 + 2 + 3);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) CHECK(display_width(line) <= 60);
}

TEST_CASE("a chart on a terminal is braille in the colours of the curves") {
  const std::string text = draw_text(falling(), {Colours::k256, 60});
  CHECK(text.find("\x1b[38;5;32m\xE2") != std::string::npos);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    CHECK(display_width(std::regex_replace(line, std::regex("\x1b\\[[0-9;]*m"), "")) <= 60);
}

TEST_CASE("a single point and equal values can be drawn") {
  const Chart one{"accuracy", "step", {{"r", 0, false, {{0, 0.5}}}}, {}};
  CHECK(draw_svg({one}).find("<circle") != std::string::npos);
  CHECK(draw_text(one, {Colours::kNone, 40}).find('a') != std::string::npos);
  CHECK(draw_text({"none", "step", {}, {}}, {Colours::k256, 40}).starts_with("none\n"));
}
