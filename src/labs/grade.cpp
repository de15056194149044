#include "labs/grade.h"

#include <fmt/format.h>
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/workers.h"
#include "config/yaml_tree.h"
#include "labs/build.h"
#include "labs/folder.h"
#include "labs/report.h"

namespace fs = std::filesystem;
using nlohmann::json;

namespace vitrine::labs {
namespace {

std::string csv_field(const std::string& field) {
  if (field.find_first_of("\",\n\r") == field.npos) return field;
  std::string out = "\"";
  for (char c : field) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

// One workbench for each lab, made when it is first needed.
class Workbenches {
 public:
  const Workbench& of(const Lab& lab) {
    const std::lock_guard lock(mutex_);
    std::unique_ptr<Workbench>& made = made_[lab.about.name];
    if (!made) made = std::make_unique<Workbench>(lab);
    return *made;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Workbench>> made_;
};

// Of one submission, in the form that Gradescope reads (results.json); `fingerprint` is ours.
json result_of(const Report& r, const std::map<std::string, double>& points) {
  json out{{"lab", r.lab->about.name}, {"tests", json::array()}, {"output", draw_report(r, {})}};
  double score = 0, most = 0;
  for (const Level& l : r.levels) {
    const auto worth = points.find(l.name);
    const double max = worth == points.end() ? 0 : worth->second, got = l.outcome == Outcome::kPassed ? max : 0;
    score += got, most += max;
    out["tests"].push_back({{"name", l.name}, {"score", got}, {"max_score", max}, {"output", l.says}});
  }
  out["score"] = score, out["max_score"] = most;
  out["mistakes"] = json::array();
  for (const Finding& f : r.findings)
    for (size_t m : f.mistakes) out["mistakes"].push_back(f.function + ": " + r.lab->about.mistakes[m].what);
  return out;
}

json result_of(const std::string& error) {
  return {{"lab", ""},      {"tests", json::array()},    {"output", error}, {"score", 0},
          {"max_score", 0}, {"mistakes", json::array()}, {"error", error}};
}

// The result of before, if it is of the same text, rubric and seed.
json earlier(const std::string& path, const std::string& fingerprint) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return nullptr;
  const json out = json::parse(read_file(path), nullptr, false);
  return out.is_object() && out.value("fingerprint", "") == fingerprint ? out : json(nullptr);
}

std::string row_of(const std::string& name, const json& result) {
  std::string out = fmt::format("{},{},{:g},{:g}", csv_field(name), result["lab"].get<std::string>(),
                                result["score"].get<double>(), result["max_score"].get<double>());
  for (const std::string& level : level_names()) {
    std::string got;
    for (const json& test : result["tests"])
      if (test["name"] == level) got = fmt::format("{:g}", test["score"].get<double>());
    out += "," + got;
  }
  std::string mistakes;
  for (const json& mistake : result["mistakes"]) mistakes += (mistakes.empty() ? "" : "; ") + mistake.get<std::string>();
  return out + "," + csv_field(mistakes) + "," + csv_field(result.value("error", "")) + "\n";
}

}  // namespace

std::map<std::string, double> default_points() {
  return {{"compiles", 1}, {"shapes", 1}, {"finite", 1}, {"values", 2}, {"odd sizes", 2}, {"gradient", 2}, {"contract", 1}};
}

std::map<std::string, double> read_rubric(const std::string& path) {
  Diagnostics diagnostics;
  const int source = diagnostics.add({path, read_file(path, ErrorKind::kConfig), ""});
  const std::optional<Node> tree = parse_yaml(diagnostics.source(source).text, source, diagnostics);
  std::map<std::string, double> out;
  const auto read = [&](const Node& root) {
    if (root.kind != Node::Kind::kMap || root.keys.size() != 1 || root.keys[0].text != "points" ||
        root.items[0].kind != Node::Kind::kMap)
      return diagnostics.error(root.place, "a rubric is one map, points: {values: 3, odd sizes: 2}");
    for (size_t i = 0; i < root.items[0].keys.size(); ++i) {
      const Node &key = root.items[0].keys[i], &value = root.items[0].items[i];
      char* end = nullptr;
      const double points = std::strtod(value.text.c_str(), &end);
      if (std::find(level_names().begin(), level_names().end(), key.text) == level_names().end())
        diagnostics.error(key.place, fmt::format("there is no check '{}'", key.text),
                          fmt::format("the checks are {}", fmt::join(level_names(), ", ")));
      else if (value.kind != Node::Kind::kScalar || value.text.empty() || *end != 0 || !(points >= 0 && points <= 1e6))
        diagnostics.error(value.place, fmt::format("points are a number of at least 0, got {}", value.spelled()));
      else
        out[key.text] = points;
    }
  };
  if (tree) read(*tree);
  diagnostics.throw_if_failed();
  return out;
}

Graded grade_folder(const Grading& g) {
  std::vector<std::string> names;
  std::error_code ignored;
  if (!fs::is_directory(g.folder, ignored)) fail(ErrorKind::kData, "there is no folder '{}'", g.folder);
  for (const auto& entry : fs::directory_iterator(g.folder))
    if (entry.is_directory(ignored) && !entry.path().filename().string().starts_with('.') &&
        !fs::equivalent(entry.path(), g.out, ignored))
      names.push_back(entry.path().filename().string());
  if (names.empty()) fail(ErrorKind::kData, "'{}' holds no folders\nhelp: put the folder of each submission into it", g.folder);
  std::sort(names.begin(), names.end());
  make_directories(g.out + "/results", ErrorKind::kData);

  std::string rubric;
  for (const auto& [level, points] : g.points) rubric += fmt::format("{}={};", level, points);
  Workbenches workbenches;
  std::vector<std::string> rows(names.size());
  std::atomic<int64_t> again = 0;
  const auto one = [&](int64_t i) {
    const std::string &name = names[static_cast<size_t>(i)], path = fmt::format("{}/results/{}.json", g.out, name);
    json result;
    try {
      const Submission s = read_submission(g.folder + "/" + name);
      const std::string fingerprint = fmt::format(
          "{:016x}",
          hash_bytes(fmt::format("{}\n{}\n{}\n{}\n{}", s.lab->about.name, s.lab->code->description, g.seed, rubric, s.text)));
      result = earlier(path, fingerprint);
      if (result.is_null()) {
        result = result_of(check_submission(workbenches.of(*s.lab), s.text, g.seed), g.points);
        result["fingerprint"] = fingerprint;
        ++again;
      }
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kDevice) throw;  // no compiler: that is not the submission's
      result = result_of(error.what());
      ++again;
    }
    write_file_atomically(path, result.dump(1, ' ', false, json::error_handler_t::replace) + "\n", ErrorKind::kData);
    rows[static_cast<size_t>(i)] = row_of(name, result);
  };
  Workers workers(g.jobs);
  workers.run(std::ssize(names), one);
  std::string csv = fmt::format("submission,lab,score,max_score,{},mistakes,error\n", fmt::join(level_names(), ","));
  for (const std::string& row : rows) csv += row;
  write_file_atomically(g.out + "/grades.csv", csv, ErrorKind::kData);
  return {std::ssize(names), again};
}

}  // namespace vitrine::labs
