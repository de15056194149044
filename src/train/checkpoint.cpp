#include "train/checkpoint.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/system_calls.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int kFormat = 1;  // of state.json, and so of the folder
constexpr std::array kNames = {"model.safetensors", "optimizer.safetensors", "state.json"};
using Files = std::array<std::string, kNames.size()>;

// What a kill, a disk or a careless copy does to a checkpoint; an older one then serves.
struct Damaged : Error {
  explicit Damaged(const std::string& what) : Error(ErrorKind::kCheckpoint, what) {}
};

std::string folder_of(const std::string& run) { return run + "/checkpoints"; }
std::string name_of(int64_t step) { return fmt::format("step-{:08}", step); }

// "step-00001000" → 1000; −1 for any other name
int64_t step_of(const std::string& name) {
  int64_t step = -1;
  if (name.size() > 5 && name.starts_with("step-")) std::from_chars(name.data() + 5, name.data() + name.size(), step);
  return step >= 0 && name_of(step) == name ? step : -1;
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) names.push_back(entry->path().filename().string());
  if (error && error != std::errc::no_such_file_or_directory)
    fail(ErrorKind::kCheckpoint, "cannot read the folder '{}': {}", folder, error.message());
  return names;
}

std::string manifest_line(const char* name, std::string_view bytes) {
  return fmt::format("    \"{}\": {{\"bytes\": {}, \"xxh3\": \"{:016x}\"}}", name, bytes.size(), hash_bytes(bytes));
}

// One text for one content: a manifest is right if and only if it is this, byte for byte.
std::string manifest_of(int64_t step, const Files& files) {
  std::array<std::string, kNames.size()> lines;
  for (size_t i = 0; i < files.size(); ++i) lines[i] = manifest_line(kNames[i], files[i]);
  return fmt::format("{{\n  \"step\": {},\n  \"files\": {{\n{}\n  }}\n}}\n", step, fmt::join(lines, ",\n"));
}

std::string encode_state(const TrainState& s) {
  const json best = s.best_metric ? json(*s.best_metric) : json();
  return json{{"format", kFormat},
              {"step", s.step},
              {"tokens", s.tokens},
              {"seconds", s.seconds},
              {"best_metric", best},
              {"best_step", s.best_step},
              {"evaluations_without_improvement", s.evaluations_without_improvement},
              {"interval_loss", s.interval_loss},
              {"interval_steps", s.interval_steps}}
             .dump(2) +
         "\n";
}

TrainState decode_state(const std::string& text, const std::string& path) try {
  const json j = json::parse(text);
  if (const int64_t format = j.at("format"); format != kFormat)
    fail(ErrorKind::kCheckpoint, "'{}' has format {}, of another version of vitrine; this one reads format {}", path, format,
         kFormat);
  TrainState s;
  s.step = j.at("step");
  s.tokens = j.at("tokens");
  s.seconds = j.at("seconds");
  if (const json& best = j.at("best_metric"); !best.is_null()) s.best_metric = best.get<double>();
  s.best_step = j.at("best_step");
  s.evaluations_without_improvement = j.at("evaluations_without_improvement");
  s.interval_loss = j.at("interval_loss");
  s.interval_steps = j.at("interval_steps");
  return s;
} catch (const json::exception& error) {
  fail(ErrorKind::kCheckpoint, "'{}' is not the state of a training: {}", path, error.what());
}

Files read_checked(const std::string& path, int64_t step) {
  Files files;
  std::string manifest;
  try {
    manifest = read_file(path + "/manifest.json", ErrorKind::kCheckpoint);
    for (size_t i = 0; i < files.size(); ++i) files[i] = read_file(path + "/" + kNames[i], ErrorKind::kCheckpoint);
  } catch (const Error& error) {
    throw Damaged(error.what());
  }
  for (size_t i = 0; i < files.size(); ++i)
    if (manifest.find(manifest_line(kNames[i], files[i])) == manifest.npos)
      throw Damaged(fmt::format("{} does not have the size and hash that its manifest says", kNames[i]));
  if (manifest != manifest_of(step, files)) throw Damaged("manifest.json is not as it was written");
  return files;
}

LoadedCheckpoint load_step(const std::string& run, int64_t step) {
  const std::string path = folder_of(run) + "/" + name_of(step);
  const Files files = read_checked(path, step);
  LoadedCheckpoint c;
  c.model = decode_safetensors(files[0], path + "/" + kNames[0]);
  c.optimizer = decode_safetensors(files[1], path + "/" + kNames[1]);
  c.state = decode_state(files[2], path + "/" + kNames[2]);
  c.path = path;
  return c;
}

LoadedCheckpoint load_newest(const std::string& run) {
  const std::vector<int64_t> steps = checkpoint_steps(run);
  if (steps.empty()) fail(ErrorKind::kCheckpoint, "there is no checkpoint in '{}'", run);
  std::string damaged;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) try {
      LoadedCheckpoint c = load_step(run, *step);
      if (!damaged.empty()) c.warning = fmt::format("{}; {} is used", damaged, name_of(*step));
      return c;
    } catch (const Damaged& error) {
      damaged += fmt::format("{}the checkpoint {} is damaged: {}", damaged.empty() ? "" : "; ", name_of(*step), error.what());
    }
  fail(ErrorKind::kCheckpoint, "no checkpoint in '{}' is whole: {}", run, damaged);
}

// Puts the finished folder in its place. One of the same step steps aside in the same moment where the file system can do that.
void publish(const std::string& partial, const std::string& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return rename_file(partial, path);
  if (exchange_files(partial, path)) return;
  rename_file(path, partial + "-replaced");
  rename_file(partial, path);
}

void write_pointer(const std::string& path, int64_t step) {
  const std::string text = "checkpoints/" + name_of(step) + "\n";
  std::error_code ignored;
  if (!fs::exists(path, ignored) || read_file(path, ErrorKind::kCheckpoint) != text) write_file_atomically(path, text);
}

// Whatever is being written or removed has a name that starts with a dot.
void remove_hidden(const std::string& folder) {
  for (const std::string& name : names_in(folder))
    if (name.starts_with(".step-")) remove_tree(folder + "/" + name);
}

void remove_superseded(const std::string& folder, const std::vector<int64_t>& steps, const TrainState& now, int64_t keep) {
  const auto end = std::upper_bound(steps.begin(), steps.end(), now.step);
  const auto kept = end - std::min<int64_t>(std::max<int64_t>(keep, 1), end - steps.begin());
  for (auto step = steps.begin(); step != steps.end(); ++step)
    if ((step < kept && *step != now.best_step) || step >= end) {
      const std::string name = name_of(*step);
      system_calls::rename(folder + "/" + name, folder + "/." + name + ".removed");
    }
  remove_hidden(folder);
}

}  // namespace

std::vector<int64_t> checkpoint_steps(const std::string& run) {
  std::vector<int64_t> steps;
  for (const std::string& name : names_in(folder_of(run)))
    if (const int64_t step = step_of(name); step >= 0) steps.push_back(step);
  std::sort(steps.begin(), steps.end());
  return steps;
}

void save_checkpoint(const std::string& run, const Checkpoint& checkpoint, int64_t keep) {
  const TrainState& state = checkpoint.state;
  const std::string folder = folder_of(run), name = name_of(state.step), path = folder + "/" + name;
  const std::string partial = fmt::format("{}/.{}.partial-{}", folder, name, ::getpid());
  const Files files = {encode_safetensors(checkpoint.model), encode_safetensors(checkpoint.optimizer), encode_state(state)};
  try {
    make_directories(folder);
    remove_hidden(folder);
    make_directories(partial);
    for (size_t i = 0; i < files.size(); ++i) write_file_synced(partial + "/" + kNames[i], files[i]);
    write_file_synced(partial + "/manifest.json", manifest_of(state.step, files));
    sync_directory(partial);
    publish(partial, path);
  } catch (const Error& error) {
    remove_tree(partial);
    fail(ErrorKind::kCheckpoint, "the checkpoint of step {} could not be saved; earlier ones are as they were: {}", state.step,
         error.what());
  }
  sync_directory(folder);

  const std::string latest = run + "/latest", best = run + "/best";
  remove_leftovers(latest);
  remove_leftovers(best);
  write_pointer(latest, state.step);
  const std::vector<int64_t> steps = checkpoint_steps(run);
  if (std::binary_search(steps.begin(), steps.end(), state.best_step)) write_pointer(best, state.best_step);
  remove_superseded(folder, steps, state, keep);
}

LoadedCheckpoint load_checkpoint(const std::string& run, CheckpointChoice choice, int64_t step) {
  std::string warning;
  if (choice != CheckpointChoice::kStep) {
    LoadedCheckpoint newest = load_newest(run);
    step = newest.state.best_step;
    if (choice == CheckpointChoice::kLatest || step < 0 || step == newest.state.step) return newest;
    warning = newest.warning;
  }
  const std::vector<int64_t> steps = checkpoint_steps(run);
  if (!std::binary_search(steps.begin(), steps.end(), step))
    fail(ErrorKind::kCheckpoint, "there is no {} in '{}'; there are the steps {}", name_of(step), folder_of(run),
         fmt::join(steps, ", "));
  try {
    LoadedCheckpoint c = load_step(run, step);
    c.warning = warning;
    return c;
  } catch (const Damaged& error) {
    fail(ErrorKind::kCheckpoint, "the checkpoint '{}/{}' is damaged: {}", folder_of(run), name_of(step), error.what());
  }
}

}  // namespace vitrine
