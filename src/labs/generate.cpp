// A tool of the build:
//   generate lab NAME ROOT OUT.cpp          the LabCode of src/labs/NAME.lab: its right source and every mistake, each in a namespace of its own
//   generate texts ROOT OUT.cpp FILE…       kTexts
#include <cstdio>
#include <fstream>
#include <sstream>

#include "base/error.h"
#include "labs/cut.h"
#include "labs/description.h"

namespace vitrine::labs {
namespace {

std::string read(const std::string& path) {
  std::ifstream in(path);
  if (!in) fail(ErrorKind::kInternal, "cannot read '{}'", path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::string literal(const std::string& text) { return "R\"~lab~(" + text + ")~lab~\""; }

std::string lab_code(const std::string& name, const std::string& root) {
  const std::string text = read(root + "/src/labs/" + name + ".lab");
  const Description about = read_description(name, text);
  const std::string source = read(root + "/" + about.source), page = read(root + "/" + about.page);
  const std::vector<CutFunction> functions = cut_functions(source, name);
  if (functions.size() != about.functions.size())
    fail(ErrorKind::kInternal, "lab {}: {} marks {} functions, and not {}", name, about.source, functions.size(),
         about.functions.size());
  std::string right, out =
                         "#include <algorithm>\n#include <cmath>\n#include <limits>\n\n#include \"labs/call.h\"\n#include "
                         "\"labs/lab.h\"\n\nnamespace vitrine::labs {\nnamespace {\n\n";
  for (const CutFunction& f : functions) right += f.whole() + "\n";
  const auto variant = [&](size_t n, const std::string& code) {
    out += fmt::format("namespace variant_{} {{\n{}}}\n\n", n, code);
  };
  variant(0, right);
  for (size_t m = 0; m < about.mistakes.size(); ++m) {
    std::string wrong = right;
    for (const auto& [from, to] : about.mistakes[m].changes) wrong = changed(wrong, from, to);
    variant(m + 1, wrong);
  }
  out += fmt::format("}}  // namespace\n\nextern const LabCode lab_{};\nconst LabCode lab_{}{{\"{}\", {}, {}, {}, {{\n", name,
                     name, name, literal(text), literal(source), literal(page));
  for (size_t n = 0; n <= about.mistakes.size(); ++n) {
    out += "  {";
    for (const Function& f : about.functions) out += fmt::format("call<variant_{}::{}>, ", n, f.name);
    out += "},\n";
  }
  return out + "}};\n\n}  // namespace vitrine::labs\n";
}

int run(const std::vector<std::string>& words) {
  std::string out;
  if (words.at(0) == "lab") {
    out = lab_code(words.at(1), words.at(2));
  } else {
    out = "#include \"labs/lab.h\"\n\nnamespace vitrine::labs {\n\nconst std::vector<Text> kTexts{\n";
    for (size_t i = 3; i < words.size(); ++i)
      out += fmt::format("  {{\"{}\", {}}},\n", words[i], literal(read(words.at(1) + "/src/" + words[i])));
    out += "};\n\n}  // namespace vitrine::labs\n";
  }
  std::ofstream file(words.at(words[0] == "lab" ? 3 : 2));
  file << out;
  file.close();
  return file ? 0 : 1;
}

}  // namespace
}  // namespace vitrine::labs

int main(int argc, char** argv) {
  try {
    return vitrine::labs::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}
