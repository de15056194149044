#include "labs/build.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <regex>
#include <sstream>

#include "base/error.h"
#include "base/file.h"

namespace fs = std::filesystem;

namespace vitrine::labs {
namespace {

void write(const std::string& path, std::string_view text) {
  fs::create_directories(fs::path(path).parent_path());
  write_file_atomically(path, text, ErrorKind::kInternal);
}

std::string compiler() {
  const char* named = std::getenv("CXX");
  return named && *named ? named : "c++";
}

// Exit code of a command run in `folder`, whose words, in English, go to FOLDER/said. 127: there is no such command.
int run(const std::vector<std::string>& words, const std::string& folder) {
  std::string env[] = {"env", "LC_ALL=C"};
  std::vector<char*> arguments{env[0].data(), env[1].data()};
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const std::string said = folder + "/said";
  const pid_t child = fork();
  if (child < 0) fail(ErrorKind::kInternal, "cannot start {}: {}", words[0], std::strerror(errno));
  if (child == 0) {
    const int out = open(said.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(out, STDOUT_FILENO), dup2(out, STDERR_FILENO);
    if (chdir(folder.c_str()) == 0) execvp(arguments[0], arguments.data());
    _exit(127);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

// The compiler's first error with the line that it shows, without what comes of it.
std::string first_error(const std::string& said) {
  std::istringstream in(said);
  std::string out;
  int rest = -1;
  for (std::string line; std::getline(in, line);) {
    if (rest < 0 && line.find("error: ") != line.npos)
      out = line + "\n", rest = 2;
    else if (rest > 0 && line.starts_with(" "))
      out += line + "\n", --rest;
    else if (rest >= 0)
      break;
  }
  return out.empty() ? said.substr(0, 2000) : out;
}

std::string message_of(const Lab& lab, const std::string& said) {
  std::smatch found;
  static const std::regex undefined("undefined (?:reference to|symbol:?) [`'\"]?([^'\"(]*)");
  if (std::regex_search(said, found, undefined)) {
    for (const CutFunction& f : lab.functions)
      if (found[1].str() == f.name)
        return fmt::format("{}.cpp has no function `{}` with the arguments that it must have; its first line is\n{}\n",
                           lab.about.name, f.name, f.signature);
    return fmt::format(
        "{}.cpp calls `{}`, which is not in it: a lab is written with the standard library alone, and nothing of the engine\n",
        lab.about.name, found[1].str());
  }
  return first_error(said);
}

// The first file that was included and is neither the lab's nor the system's; empty: none.
std::string foreign_include(const std::string& folder, const std::string& own, const std::string& common) {
  std::istringstream in(read_file(folder + "/submission.d"));
  for (std::string word; in >> word;) {
    if (word != "\\" && !word.ends_with(":") && word != own && word != common + "/lab.h" && word != common + "/tensor/tensor.h")
      return word;
  }
  return "";
}

}  // namespace

WorkFolder::WorkFolder() : path_((fs::temp_directory_path() / "vitrine-lab-XXXXXX").string()) {
  if (!mkdtemp(path_.data()))
    fail(ErrorKind::kInternal, "cannot make a folder in '{}': {}", fs::temp_directory_path().string(), std::strerror(errno));
}

WorkFolder::~WorkFolder() { remove_tree(path_); }

std::string lab_header(const Lab& lab) {
  std::string out =
      "// What the lab's functions get: a Tensor is a view of a matrix; row(i) is the address of its row i, and x.row(i)[j] an "
      "entry.\n"
      "#pragma once\n#define VITRINE_REAL double\n#define VITRINE_PRECISION lab\n#include <algorithm>\n#include "
      "<cmath>\n#include <cstdint>\n"
      "#include <limits>\n\n#include \"tensor/tensor.h\"\n\nusing vitrine::Real;\nusing vitrine::Tensor;\n\n";
  for (const CutFunction& f : lab.functions) out += f.signature + ";\n";
  return out;
}

Workbench::Workbench(const Lab& lab) : lab_(lab) {
  for (const Text& t : kTexts) write(common_.path() + "/" + t.name, t.text);
  write(common_.path() + "/lab.h", lab_header(lab));
  std::string table = "#include \"lab.h\"\n#include \"labs/runner.cpp\"\n\nconst vitrine::labs::Call kFunctions[]{";
  for (const CutFunction& f : lab.functions) table += "vitrine::labs::call<" + f.name + ">, ";
  write(common_.path() + "/main.cpp", table + "};\n");
  const int status = run({compiler(), "-std=c++20", "-O1", "-w", "-I.", "-c", "main.cpp"}, common_.path());
  if (status == 127)
    fail(ErrorKind::kDevice, "there is no compiler '{}'\nhelp: `apt install g++`, or name one in CXX", compiler());
  if (status != 0)
    fail(ErrorKind::kInternal, "cannot build what runs a lab:\n{}", first_error(read_file(common_.path() + "/said")));
}

Build Workbench::build(const std::string& text, const std::string& folder) const {
  const std::string own = lab_.about.name + ".cpp", said = folder + "/said";
  write(folder + "/" + own, text);
  if (run({compiler(), "-std=c++20", "-O2", "-w", "-I" + common_.path(), "-MMD", "-MF", "submission.d", "-c", own, "-o",
           "submission.o"},
          folder) != 0)
    return {"", first_error(read_file(said))};
  if (const std::string foreign = foreign_include(folder, own, common_.path()); !foreign.empty())
    return {"", fmt::format("{} includes '{}': a lab is written with the standard library and lab.h alone\n", own, foreign)};
  if (run({compiler(), common_.path() + "/main.o", "submission.o", "-o", "program"}, folder) != 0)
    return {"", message_of(lab_, read_file(said))};
  return {folder + "/program", ""};
}

}  // namespace vitrine::labs
