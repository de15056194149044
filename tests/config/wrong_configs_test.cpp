#include <fstream>
#include <regex>
#include <sstream>

#include "config_files.h"
#include "support/catch.h"

using namespace vitrine;

namespace {

// Without the quoted source line, the caret and the empty lines between errors.
std::string sentences(const std::string& message) {
  static const std::regex kExcerpt("^ *[0-9]* \\| .*");
  std::istringstream in(message);
  std::string out;
  for (std::string line; std::getline(in, line);)
    if (!line.empty() && !std::regex_match(line, kExcerpt)) out += line + "\n";
  return out;
}

}  // namespace

TEST_CASE("wrong configurations are refused with these words") {
  const WorkingFolder folder;
  std::ifstream table(std::string(VITRINE_SOURCE_DIR) + "/tests/config/wrong_configs.txt");
  REQUIRE(table);
  std::vector<std::string> lines, sets;
  std::string expected, line;
  int cases = 0;
  for (bool more = true; more;) {
    more = static_cast<bool>(std::getline(table, line));
    if (more && !line.empty()) {
      if (line.starts_with("# "))
        continue;
      else if (line.starts_with("> "))
        expected += line.substr(2) + "\n";
      else if (line.starts_with("--set "))
        sets.push_back(line.substr(6));
      else
        lines.push_back(line);
    } else if (!lines.empty() || !sets.empty()) {
      const Refusal found = refusal(configuration(lines), sets);
      INFO(configuration(lines) + (sets.empty() ? "" : "--set " + sets[0]));
      CHECK(found.kind == 2);
      CHECK(sentences(found.message) == expected);
      lines.clear(), sets.clear(), expected.clear();
      ++cases;
    }
  }
  CHECK(cases >= 150);
}

TEST_CASE("the base of the table is right") {
  const WorkingFolder folder;
  CHECK(refusal(configuration()).message == "");
  CHECK(loaded(configuration()).warnings.empty());
}

TEST_CASE("an error shows its line with a caret under the value") {
  const WorkingFolder folder;
  CHECK(refusal(configuration({"model: {width: 64, heads: -4}"})).message ==
        "t.yaml:4:27: model.heads: expected a whole number from 1 to 65536, got -4\n"
        "   4 | model: {width: 64, heads: -4}\n"
        "     |                           ^^");
  // Columns and carets count characters, not bytes.
  CHECK(refusal(configuration({"inspect: {sentences: [\"où était-ce ?\"], evry: 3}"})).message ==
        "t.yaml:10:41: inspect.evry: unknown key\n"
        "  10 | inspect: {sentences: [\"où était-ce ?\"], evry: 3}\n"
        "     |                                         ^^^^\n"
        "help: did you mean `every`?");
  CHECK(refusal(configuration(), {"training.clip=-1"}).message ==
        "--set: training.clip: expected a positive number, got -1\n"
        "     | training.clip=-1\n"
        "     |               ^^\n"
        "help: the word `none` is allowed too");
}

TEST_CASE("of a long line the part around the error is shown") {
  const WorkingFolder folder;
  const std::string message =
      refusal(configuration({"inspect: {sentences: [\"" + std::string(100000, 'x') + "\"], evry: 3}"})).message;
  CHECK(message.size() < 400);
  const size_t at = message.find("evry: 3}"), caret = message.find("^^^^");
  REQUIRE(at != std::string::npos);
  const size_t line = message.find('\n') + 1, caret_line = message.find('\n', line) + 1;
  CHECK(message.find("evry: 3}", line) - line == caret - caret_line);
}

TEST_CASE("of very many errors fifty are shown and the others counted") {
  const WorkingFolder folder;
  std::string keys;
  for (int i = 0; i < 20000; ++i) keys += "k" + std::to_string(i) + ": 1, ";
  const std::string message = refusal(configuration({"model: {" + keys + "}"})).message;
  CHECK(message.ends_with("\n\nand 19950 more"));
  CHECK(message.find("model.k49: unknown key") != std::string::npos);
  CHECK(message.find("model.k50: unknown key") == std::string::npos);
}

TEST_CASE("errors of files are told apart") {
  const WorkingFolder folder;
  const auto message = [](const std::string& path) {
    try {
      load_config(path);
    } catch (const Error& e) {
      CHECK(e.kind() == ErrorKind::kConfig);
      return std::string(e.what());
    }
    return std::string();
  };
  std::filesystem::create_directory("folder.yaml");
  CHECK(message("folder.yaml") == "folder.yaml: is a folder; a configuration is a file");
  CHECK(message("missing.yaml") == "missing.yaml: there is no such file");
  CHECK(message("a.txt/missing.yaml") == "a.txt/missing.yaml: there is no such file");
  write("large.yaml", std::string((1 << 20) + 1, '#'));
  CHECK(message("large.yaml") == "large.yaml: 1048577 bytes; a configuration has at most 1048576");
  write("empty.yaml", "");
  CHECK(message("empty.yaml") == "empty.yaml: empty: there is nothing in it but space and comments");
}
