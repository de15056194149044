#include "labs/cut.h"

#include "labs/description.h"
#include "support/error_of.h"

using namespace vitrine;
using namespace vitrine::labs;

namespace {

constexpr const char* kSource =
    "#include <cmath>\n\nnamespace a {\n\n// y = x²\n// of each entry\nvoid CpuBackend::square(Tensor y, Tensor x,\n             "
    "           Real power) {\n"
    "  // lab powers, roots: one line\n  y = x * x;\n\n  more();\n  // lab: end\n}\n\nvoid other() {\n  // lab cubes: two "
    "lines\n  x = 3;\n  // lab: end\n}\n";

}  // namespace

TEST_CASE("a marked function is cut with its comment and signature, a free function, without its body") {
  for (const char* lab : {"powers", "roots"}) {
    const auto functions = cut_functions(kSource, lab);
    REQUIRE(functions.size() == 1);
    const CutFunction& f = functions[0];
    CHECK(f.name == "square");
    CHECK(f.comment == "// y = x²\n// of each entry\n");
    CHECK(f.signature == "void square(Tensor y, Tensor x,\n            Real power)");
    CHECK(f.task == "one line");
    CHECK(f.body == "  y = x * x;\n\n  more();\n");
    CHECK(f.whole() == f.comment + f.signature + " {\n" + f.body + "}\n");
  }
  CHECK(cut_functions(kSource, "cubes")[0].name == "other");
  CHECK(cut_functions(kSource, "power").empty());
}

TEST_CASE("a marker without its end is an error that names its line") {
  const std::string said = error_of(ErrorKind::kInternal, [] { cut_functions("void f() {\n  // lab a: x\n  1;\n}\n", "a"); });
  CHECK(said.find("line 2") != said.npos);
}

TEST_CASE("a page is handed out with questions for what is hidden, and links as words") {
  const std::string page =
      "# A\n\nSee [the code](a.cpp) and [a paper](https://b.c).\n\n<!-- lab a: Why? -->\nBecause.\n\n<!-- lab: end -->\n<!-- lab "
      "b: What? -->\nThis.\n<!-- lab: end -->\n";
  CHECK(cut_page(page, "a") == "# A\n\nSee the code and [a paper](https://b.c).\n\n> **Why?**\n>\n> …\nThis.\n");
}

TEST_CASE("a change must fit in exactly one place") {
  CHECK(changed("a + b", "+", "-") == "a - b");
  error_of(ErrorKind::kInternal, [] { changed("a + a", "a", "b"); });
  error_of(ErrorKind::kInternal, [] { changed("a", "c", "b"); });
}

TEST_CASE("a description of a lab is read, and a line that is not understood is named") {
  const Description d = read_description(
      "norm",
      "title Norm it\nafter a, b\nminutes 40\nfunction f set y [N,D], add g [1,H*d], change w [2,D], x [N,D], epsilon\n"
      "number epsilon 0.1 2\nextreme x *100\nextreme y +5\npositive v\n== wrong\nread a = b\n- a\n+ b\n- c\n+\n");
  CHECK(d.title == "Norm it");
  CHECK(d.after == std::vector<std::string>{"a", "b"});
  REQUIRE(d.functions.size() == 1);
  const auto& arguments = d.functions[0].arguments;
  REQUIRE(arguments.size() == 5);
  CHECK(arguments[1].use == Use::kAdd);
  CHECK(arguments[1].cols == std::vector<std::string>{"H", "d"});
  CHECK((arguments[0].use == Use::kSet && arguments[2].use == Use::kChange && arguments[3].use == Use::kInput &&
         arguments[4].use == Use::kNumber));
  CHECK(d.numbers[0].second == std::vector<double>{0.1, 2});
  CHECK((d.extremes[0].factor == 100 && d.extremes[0].shift == 0 && d.extremes[1].factor == 1 && d.extremes[1].shift == 5));
  CHECK(d.mistakes[0].changes == std::vector<std::pair<std::string, std::string>>{{"a", "b"}, {"c", ""}});
  CHECK(error_of(ErrorKind::kInternal, [] { read_description("x", "title a\ntitel b\n"); }).find("line 2") != std::string::npos);
}
