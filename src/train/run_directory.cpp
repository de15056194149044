#include "train/run_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "base/error.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int kFormat = 1;

std::string marker_of(const std::string& path) { return path + "/run.json"; }

bool holds_anything(const std::string& path) {
  std::error_code error;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error))
    if (!entry->path().filename().string().starts_with(".run.json.partial-")) return true;
  if (error) fail(ErrorKind::kCheckpoint, "cannot read the folder '{}': {}", path, error.message());
  return false;
}

bool is_folder(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (error && status.type() != fs::file_type::not_found)
    fail(ErrorKind::kCheckpoint, "cannot read '{}': {}", path, error.message());
  if (fs::exists(status) && !fs::is_directory(status))
    fail(ErrorKind::kCheckpoint, "'{}' is not a run directory: it is a file", path);
  return fs::exists(status);
}

bool is_marked(const std::string& path) {
  std::error_code ignored;
  return fs::exists(marker_of(path), ignored);
}

void check_format(const std::string& path) {
  const json marker = json::parse(read_file(marker_of(path), ErrorKind::kCheckpoint), nullptr, false);
  if (!marker.is_object() || !marker.contains("format") || !marker["format"].is_number_integer())
    fail(ErrorKind::kCheckpoint, "'{}' does not say which format this run directory has", marker_of(path));
  if (marker["format"] != kFormat)
    fail(ErrorKind::kCheckpoint, "'{}' was written by another version of vitrine ({}, format {}); this one ({}) reads format {}",
         path, marker.contains("vitrine") ? marker["vitrine"].dump() : "unknown", marker["format"].dump(), VITRINE_VERSION,
         kFormat);
}

int lock(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0 || ::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return descriptor;
  if (errno != EWOULDBLOCK) return descriptor;  // a file system without locks
  ::close(descriptor);
  fail(ErrorKind::kCheckpoint, "another process is training in '{}'", path);
}

// The checkpoints vanish first and in one go: a kill in between leaves a run at step 0, never an old checkpoint in a new run.
void remove_old_run(const RunDirectory& run) {
  const std::string hidden = run.path() + "/.checkpoints.removed";
  std::error_code ignored;
  if (fs::exists(hidden, ignored)) remove_tree(hidden);
  if (fs::exists(run.path() + "/checkpoints", ignored)) rename_file(run.path() + "/checkpoints", hidden);
  if (fs::exists(hidden, ignored)) remove_tree(hidden);
  for (const std::string& file :
       {run.path() + "/latest", run.path() + "/best", run.metrics(), run.log(), run.attention(), run.page(), run.tokenizer(),
        run.config(), run.floors(), run.tensorboard(), run.path() + "/result.json"})
    if (fs::exists(fs::symlink_status(file, ignored)) && !remove_tree(file))
      fail(ErrorKind::kCheckpoint, "cannot remove '{}' of the earlier run", file);
}

// Complete lines, and the step of each; −1 for one that is not a metrics line.
struct Line {
  std::string text;
  double step;
};
std::vector<Line> lines_of(const std::string& path) {
  std::vector<Line> lines;
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return lines;
  const std::string text = read_file(path, ErrorKind::kCheckpoint);
  for (size_t begin = 0, end; (end = text.find('\n', begin)) != text.npos; begin = end + 1) {
    const std::string line = text.substr(begin, end - begin);
    const json object = json::parse(line, nullptr, false);
    const bool whole = object.is_object() && object.contains("step") && object["step"].is_number();
    lines.push_back({line, whole ? object["step"].get<double>() : -1});
  }
  return lines;
}

}  // namespace

RunDirectory RunDirectory::create(const std::string& path, Mode mode) {
  const bool exists = is_folder(path), marked = exists && is_marked(path), used = exists && (marked || holds_anything(path));
  if (mode == Mode::kNew && used)
    fail(ErrorKind::kConfig,
         "the run directory '{}' exists already\nhelp: --resume goes on with it, --overwrite starts anew in it, --run-dir names "
         "another",
         path);
  if (mode == Mode::kResume && !exists)
    fail(ErrorKind::kConfig, "there is no run directory '{}' to resume\nhelp: without --resume a new run starts there", path);
  if (mode != Mode::kNew && used && !marked)
    fail(ErrorKind::kCheckpoint, "'{}' is not a run directory: it has no run.json, and nothing in it is touched", path);
  if (mode == Mode::kResume && marked) check_format(path);

  make_directories(path);
  RunDirectory run(path);
  run.lock_ = lock(path);
  for (const std::string& file : {marker_of(path), run.metrics(), run.config(), run.tokenizer()}) remove_leftovers(file);
  if (mode == Mode::kOverwrite) remove_old_run(run);
  // Written in any case: a folder that cannot be written to says so now and not at the first checkpoint.
  write_file_atomically(marker_of(path), json{{"format", kFormat}, {"vitrine", VITRINE_VERSION}}.dump() + "\n");
  return run;
}

RunDirectory RunDirectory::open(const std::string& path) {
  if (!is_folder(path)) fail(ErrorKind::kCheckpoint, "there is no run directory '{}'", path);
  if (!is_marked(path)) fail(ErrorKind::kCheckpoint, "'{}' is not a run directory: it has no run.json", path);
  check_format(path);
  return RunDirectory(path);
}

RunDirectory::RunDirectory(RunDirectory&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)), metrics_(std::move(other.metrics_)) {}

RunDirectory& RunDirectory::operator=(RunDirectory&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(lock_, other.lock_);
  std::swap(metrics_, other.metrics_);
  return *this;
}

RunDirectory::~RunDirectory() {
  if (lock_ >= 0) ::close(lock_);
}

void RunDirectory::append_metrics(std::string_view object) {
  if (!metrics_) metrics_.emplace(metrics());
  metrics_->append(object);
}

void RunDirectory::drop_metrics_after(int64_t step) {
  std::error_code ignored;
  if (!fs::exists(metrics(), ignored)) return;
  std::string kept;
  for (const Line& line : lines_of(metrics()))
    if (line.step >= 0 && line.step <= static_cast<double>(step)) kept += line.text + "\n";
  metrics_.reset();
  write_file_atomically(metrics(), kept);
}

std::vector<std::string> RunDirectory::read_metrics() const {
  std::vector<std::string> out;
  for (Line& line : lines_of(metrics()))
    if (line.step >= 0) out.push_back(std::move(line.text));
  return out;
}

}  // namespace vitrine
