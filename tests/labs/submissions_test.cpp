#include <algorithm>
#include <filesystem>
#include <regex>

#include "base/file.h"
#include "labs/build.h"
#include "labs/check.h"
#include "labs/folder.h"
#include "labs/report.h"
#include "support/catch.h"

using namespace vitrine;
using namespace vitrine::labs;
namespace fs = std::filesystem;

namespace {

std::string first_line_after(const std::string& text, const std::string& mark) {
  const size_t at = text.find(mark);
  if (at == text.npos) return "";
  return text.substr(at + mark.size(), text.find('\n', at) - at - mark.size());
}

// All that a report says of mistakes.
std::string names_of(const Report& r) {
  std::string out;
  for (const Finding& f : r.findings) out += explain(*r.lab, f);
  return out;
}

// tests/labs/submissions/LAB/*.cpp: the first line says what is expected,
//   right · a piece of the named mistake · no name · level NAME: a pattern of what that level says, the first that fails
// and in a file that prints, a second one the line that is shown.
void check_all(const std::string& name) {
  const Workbench workbench(find_lab(name));
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(fs::path(VITRINE_SOURCE_DIR) / "tests/labs/submissions" / name))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  REQUIRE(files.size() > 3);
  for (const fs::path& file : files) {
    const std::string text = read_file(file.string()), expected = first_line_after(text, "// expect: ");
    Limits limits;
    limits.seconds = 20;  // none of them hangs, and machines may be busy
    const Report r = check_submission(workbench, text, 1, limits);
    INFO(file.filename().string() << ": " << expected << "\n" << draw_report(r, {}));
    if (expected == "right") {
      CHECK(r.passed());
      CHECK(r.findings.empty());
    } else if (expected.starts_with("level ")) {
      const size_t colon = expected.find(": ");
      const Level* failed = r.first_failed();
      REQUIRE(failed);
      CHECK(failed->name == expected.substr(6, colon - 6));
      CHECK(std::regex_search(failed->says, std::regex(expected.substr(colon + 2))));
      CHECK(std::all_of(r.findings.begin(), r.findings.end(), [](const Finding& f) { return f.mistakes.empty(); }));
    } else {
      CHECK(!r.passed());
      size_t named = 0;
      for (const Finding& f : r.findings) named += f.mistakes.size();
      const std::string names = names_of(r);
      CHECK(named == (expected == "no name" ? 0 : r.findings.size()));  // one name for each, and no second one
      CHECK(names.find(expected == "no name" ? "none of the mistakes" : expected) != names.npos);
    }
    CHECK(r.printed.find(first_line_after(text, "// prints: ")) != std::string::npos);
  }
}

}  // namespace

TEST_CASE("submissions of softmax: what is right passes, what is wrong is named") { check_all("softmax"); }
TEST_CASE("submissions of layer norm: what is right passes, what is wrong is named", "[.slow]") { check_all("layer_norm"); }
TEST_CASE("submissions of attention: what is right passes, what is wrong is named") { check_all("attention"); }
TEST_CASE("submissions of causal attention: what is right passes, what is wrong is named") { check_all("causal_attention"); }
TEST_CASE("submissions of feed-forward: what is right passes, what is wrong is named", "[.slow]") { check_all("feed_forward"); }
TEST_CASE("submissions of the masked loss: what is right passes, what is wrong is named") { check_all("masked_lm"); }
TEST_CASE("submissions of AdamW: what is right passes, what is wrong is named", "[.slow]") { check_all("adamw"); }

TEST_CASE("the engine's own source passes every check of its lab, and the empty file is met kindly") {
  for (const Lab& lab : all_labs()) {
    const Workbench workbench(lab);
    std::string solution = "#include \"lab.h\"\n";
    for (const CutFunction& f : lab.functions) solution += f.whole();
    const Report right = check_submission(workbench, solution);
    INFO(lab.about.name << "\n" << draw_report(right, {}));
    CHECK(right.passed());
    CHECK(right.shut_in);
    std::string windows;
    for (char c : skeleton_of(lab)) windows += c == '\n' ? std::string("\r\n") : std::string(1, c);
    for (const std::string& text : {skeleton_of(lab), windows}) {
      const Report empty = check_submission(workbench, text);
      CHECK((empty.empty && !empty.passed()));
      CHECK(draw_report(empty, {}).find("a good place to begin") != std::string::npos);
    }
  }
}

TEST_CASE("the gradient of what does not depend on its inputs is none") {
  const std::string zero = "{ for (int64_t i = 0; i < a.rows; ++i) std::fill_n(a.row(i), a.cols, 0.0); }\n";
  const Report r =
      check_submission(Workbench(find_lab("softmax")), "#include \"lab.h\"\nvoid softmax_forward(Tensor a, Tensor) " + zero +
                                                           "void softmax_backward(Tensor a, Tensor, Tensor) " + zero);
  for (const Level& l : r.levels)
    if (l.name == "gradient")
      CHECK((l.outcome == Outcome::kFailed && l.says.find("does not depend on its inputs") != l.says.npos));
  CHECK(!r.passed());
}

// tests/labs/submissions/hostile: the checker goes on, says what happened, and gives no level behind it.
TEST_CASE("hostile submissions of softmax gain nothing and stop nothing") {
  const Workbench workbench(find_lab("softmax"));
  fs::remove("/tmp/vitrine-lab-escaped");  // of a run in which it did
  size_t seen = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(VITRINE_SOURCE_DIR) / "tests/labs/submissions/hostile")) {
    std::string text = read_file(entry.path().string());
    const std::string expected = first_line_after(text, "// expect: ");
    text = std::regex_replace(text, std::regex("@ROOT@"), VITRINE_SOURCE_DIR);
    Limits limits;
    limits.seconds = 5, limits.memory = 256 << 20;
    const Report r = check_submission(workbench, text, 1, limits);
    INFO(entry.path().filename().string() << ": " << expected << "\n" << draw_report(r, {}));
    REQUIRE(r.first_failed());
    CHECK(std::regex_search(r.first_failed()->says, std::regex(expected)));
    CHECK(!r.passed());
    CHECK(std::all_of(r.levels.begin(), r.levels.end(),
                      [](const Level& l) { return l.name == "compiles" || l.outcome != Outcome::kPassed; }));
    ++seen;
  }
  CHECK(seen >= 18);
  CHECK(!fs::exists("/tmp/vitrine-lab-escaped"));
}
