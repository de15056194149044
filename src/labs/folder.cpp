#include "labs/folder.h"

#include <filesystem>
#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "labs/build.h"

namespace fs = std::filesystem;

namespace vitrine::labs {
namespace {

// Changes when the functions that are to be written do.
std::string interface_of(const Lab& lab) {
  std::string all;
  for (const CutFunction& f : lab.functions) all += f.signature + "\n";
  return fmt::format("{:016x}", hash_bytes(all));
}

std::string shape_of(const Argument& a) {
  return fmt::format("{} [{},{}]", a.name, fmt::join(a.rows, "*"), fmt::join(a.cols, "*"));
}

// "Sets y [N,D]; adds to dgamma [1,D]. Gets x [N,D]."
std::string contract_of(const Function& f) {
  std::string out;
  for (const auto& [use, word] :
       {std::pair{Use::kSet, "sets"}, {Use::kAdd, "adds to"}, {Use::kChange, "changes"}, {Use::kInput, "gets"}}) {
    std::string list;
    for (const Argument& a : f.arguments)
      if (a.use == use) list += (list.empty() ? "" : ", ") + shape_of(a);
    if (!list.empty()) out += fmt::format("{}{} {}", out.empty() ? "" : "; ", word, list);
  }
  out[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[0])));
  return out + ".";
}

std::string readme_of(const Lab& lab, const std::string& folder) {
  const std::string& name = lab.about.name;
  std::string builds_on;
  for (const std::string& other : lab.about.after) builds_on += (builds_on.empty() ? " It builds on: " : ", ") + other;
  return fmt::format(R"(# {0}

About {1} minutes. You learn: {2}.{3}

1. Read [handout.md](handout.md) with a pencil: some steps of the derivation are left open. Derive them first, then write code.
2. Complete the {4} in [{5}.cpp]({5}.cpp). A `Tensor` is a view of a matrix: `x.rows`, `x.cols`, `x.row(i)` is the address of row i, and
   `x.row(i)[j]` one entry. Rows may lie farther apart than they are wide, so never step from one row into the next. Numbers are `Real`.
3. After each change:

   ```
   vitrine lab check {6}
   ```

   It builds {5}.cpp and says how far it is right: shapes, large numbers, values small enough to follow by hand, odd sizes, the gradient by
   differences, and the contract. The first thing that is wrong is shown with its numbers, and named where it is a known mistake.
   `cmake -B build && cmake --build build --target check` does the same.

The contract: what is *set* may hold anything before; what is *added to* keeps what it held, plus yours; inputs stay as they are; no memory is
taken in a call (no `new`, no `std::vector`). Use the standard library and lab.h, nothing else.
)",
                     lab.about.title, lab.about.minutes, lab.about.teaches, builds_on.empty() ? "" : builds_on + ".",
                     lab.functions.size() == 1 ? "function" : "functions", name, folder);
}

std::string cmake_of(const Lab& lab, const std::string& program) {
  return fmt::format(R"(cmake_minimum_required(VERSION 3.16)
project(lab_{0} LANGUAGES CXX)
add_library({0} OBJECT {0}.cpp)
target_include_directories({0} PRIVATE ${{CMAKE_CURRENT_SOURCE_DIR}})
target_compile_features({0} PRIVATE cxx_std_20)
find_program(VITRINE vitrine HINTS "{1}" REQUIRED)
add_custom_target(check COMMAND ${{VITRINE}} lab check ${{CMAKE_CURRENT_SOURCE_DIR}})
add_dependencies(check {0})
)",
                     lab.about.name, fs::path(program).parent_path().string());
}

}  // namespace

std::string skeleton_of(const Lab& lab) {
  std::string out =
      fmt::format("// {}. What to write stands in handout.md; `vitrine lab check` says how far you are.\n#include \"lab.h\"\n",
                  lab.about.title);
  for (size_t f = 0; f < lab.functions.size(); ++f) {
    const CutFunction& cut = lab.functions[f];
    // formulas of the backward function are what the handout asks for
    out += fmt::format("\n{}// {}\n{} {{\n  // Yours: {}\n}}\n", f == 0 ? cut.comment : "", contract_of(lab.about.functions[f]),
                       cut.signature, cut.task);
  }
  return out;
}

void write_lab_folder(const Lab& lab, const std::string& folder, const std::string& program) {
  std::error_code ignored;
  if (fs::exists(folder, ignored) && (!fs::is_directory(folder, ignored) || !fs::is_empty(folder, ignored)))
    fail(ErrorKind::kConfig, "--out: '{}' is there already\nhelp: a lab begins in a folder of its own; name another one", folder);
  make_directories(folder + "/tensor", ErrorKind::kData);
  const auto write = [&](const std::string& name, std::string_view text) {
    write_file_atomically(folder + "/" + name, text, ErrorKind::kData);
  };
  for (const Text& t : kTexts)
    if (std::string_view(t.name).starts_with("tensor/")) write(t.name, t.text);
  const std::string absolute = fs::absolute(folder).lexically_normal().string();
  write("lab.h", lab_header(lab));
  write("handout.md",
        fmt::format("# Handout: {}\n\nOpen steps are marked with >: fill them in.\n\n{}", lab.about.title, lab.handout));
  write("README.md", readme_of(lab, absolute));
  write("CMakeLists.txt", cmake_of(lab, program));
  write(lab.about.name + ".cpp", skeleton_of(lab));
  write("lab.txt",
        fmt::format("lab {}\ninterface {}\n", lab.about.name, interface_of(lab)));  // the last: a folder with it is whole
}

Submission read_submission(const std::string& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) fail(ErrorKind::kData, "there is no folder '{}'", folder);
  if (!fs::exists(folder + "/lab.txt", ignored))
    fail(ErrorKind::kData, "'{}' is no lab's folder: it has no lab.txt\nhelp: `vitrine lab start LAB --out DIR` makes one",
         folder);
  std::istringstream in(read_file(folder + "/lab.txt"));
  std::string word, name, interface;
  in >> word >> name >> word >> interface;
  const Lab* lab = nullptr;
  for (const Lab& l : all_labs())
    if (l.about.name == name) lab = &l;
  if (!lab)
    fail(ErrorKind::kData, "'{}/lab.txt' names no lab of this program: '{}'\nhelp: `vitrine lab list` shows all", folder,
         name.substr(0, 100));
  if (interface != interface_of(*lab))
    fail(ErrorKind::kData,
         "'{}' was made for another version of the lab {}: its functions have other arguments now\n"
         "help: `vitrine lab start {} --out NEW` makes a new folder; copy your bodies into its {}.cpp",
         folder, name, name, name);
  const std::string path = folder + "/" + name + ".cpp";
  if (!fs::exists(path, ignored))
    fail(ErrorKind::kData,
         "'{}' is gone\nhelp: `vitrine lab start {} --out NEW` makes a new one; other files of the folder are not checked", path,
         name);
  return {lab, read_file(path)};
}

}  // namespace vitrine::labs
