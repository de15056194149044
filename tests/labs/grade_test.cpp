#include "labs/grade.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "labs/folder.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

using namespace vitrine;
using namespace vitrine::labs;

namespace {

std::string submission(const std::string& name) { return read_file(VITRINE_SOURCE_DIR "/tests/labs/submissions/" + name); }

}  // namespace

TEST_CASE("a folder of submissions becomes one table, in which nothing hostile gains a point, and is gone through once") {
  const TemporaryFolder folder;
  const Lab& lab = find_lab("softmax");
  const auto hand_in = [&](const std::string& who, const std::string& text) {
    if (!std::filesystem::exists(folder / ("in/" + who))) write_lab_folder(lab, folder / ("in/" + who), "/bin/vitrine");
    write_file_atomically(folder / ("in/" + who + "/softmax.cpp"), text);
  };
  hand_in("ada", submission("softmax/right_two_pass.cpp"));
  hand_in("bob, the second", submission("softmax/wrong_no_sum.cpp"));
  hand_in("eve", submission("hostile/exit_zero.cpp"));
  hand_in("mallory", submission("hostile/prints_a_result.cpp"));
  hand_in("nobody", skeleton_of(lab));
  make_directories(folder / "in/zoe");

  Grading g{folder / "in", folder / "out", default_points(), 7, 2};
  Graded done = grade_folder(g);
  CHECK((done.submissions == 6 && done.again == 6));
  CHECK(read_file(folder / "out/grades.csv") ==
        "submission,lab,score,max_score,compiles,shapes,finite,values,odd sizes,gradient,contract,cost,mistakes,error\n"
        "ada,softmax,10,10,1,1,1,2,2,2,1,0,,\n"
        "\"bob, the second\",softmax,4,10,1,1,1,0,0,0,1,0,softmax_backward: the row sum Σ dp p is forgotten,\n"
        "eve,softmax,1,10,1,0,0,0,0,0,0,0,,\n"
        "mallory,softmax,1,10,1,0,0,0,0,0,0,0,,\n"
        "nobody,softmax,1,10,1,0,0,0,0,0,0,0,,\n"
        "zoe,,0,0,,,,,,,,,,\"'" +
            (folder / "in/zoe") +
            "' is no lab's folder: it has no lab.txt\nhelp: `vitrine lab start LAB --out DIR` makes one\"\n");
  const auto result = nlohmann::json::parse(read_file(folder / "out/results/bob, the second.json"));
  CHECK(result["score"] == 4);
  CHECK(result["tests"][3]["name"] == "values");
  CHECK(result["tests"][3]["max_score"] == 2);
  CHECK(result["output"].get<std::string>().find("the row sum Σ dp p is forgotten") != std::string::npos);

  done = grade_folder(g);
  CHECK(done.again == 1);  // the one that cannot be read
  hand_in("bob, the second", submission("softmax/right_online.cpp"));
  CHECK(grade_folder(g).again == 2);
  g.points = {{"values", 3}};
  CHECK(grade_folder(g).again == 6);
  CHECK(read_file(folder / "out/grades.csv").find("ada,softmax,3,3,") != std::string::npos);
}

TEST_CASE("a rubric gives points to checks by their names, and what it cannot mean is refused with its place") {
  const TemporaryFolder folder;
  const auto rubric = [&](const std::string& text) {
    write_file_atomically(folder / "rubric.yaml", text);
    return read_rubric(folder / "rubric.yaml");
  };
  CHECK(rubric("points: {values: 3, odd sizes: 1.5}\n") == std::map<std::string, double>{{"values", 3}, {"odd sizes", 1.5}});
  CHECK(error_of(ErrorKind::kConfig, [&] {
          rubric("points:\n  valeus: 3\n");
        }).find("rubric.yaml:2:3: there is no check 'valeus'") != std::string::npos);
  CHECK(error_of(ErrorKind::kConfig, [&] { rubric("points: {values: -1}\n"); }).find("at least 0, got -1") != std::string::npos);
  CHECK(error_of(ErrorKind::kConfig, [&] { rubric("values: 3\n"); }).find("a rubric is one map") != std::string::npos);
  error_of(ErrorKind::kConfig, [&] { read_rubric(folder / "none.yaml"); });
  error_of(ErrorKind::kData, [&] { grade_folder({folder / "none", folder / "out", {}, 1, 1}); });
}
