#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/device.h"
#include "data/settings.h"
#include "model/settings.h"
#include "train/engine.h"
#include "train/settings.h"

namespace vitrine {

struct SimtSettings {
  bool check = false;
  ThreadOrder order = ThreadOrder::kForward;
  bool operator==(const SimtSettings&) const = default;
};
struct RunSettings {
  std::string name;  // default: the name of the file without .yaml
  int64_t seed = 1;
  Device device = Device::kCpu;
  int64_t threads = 0;  // 0: auto
  Precision precision = Precision::kFloat32;
  bool tf32 = false;
  bool checked = false;
  SimtSettings simt;
  bool operator==(const RunSettings&) const = default;
};

struct InspectSettings {
  std::vector<std::string> sentences;  // whose attention is shown and recorded
  int64_t every = 0;                   // steps between recordings during training; 0: none
  int64_t samples = 4;                 // sequences of the validation split that are recorded beside the sentences
  bool operator==(const InspectSettings&) const = default;
};

enum class Progress { kAuto, kOn, kOff };
struct LogSettings {
  int64_t interval = 50;  // steps between lines of the log
  Progress progress = Progress::kAuto;
  bool tensorboard = false;
  bool operator==(const LogSettings&) const = default;
};

// One run, as one YAML file describes it. Everything is checked and every default is settled: what this holds can be trained.
struct Config {
  RunSettings run;
  DataSettings data;
  TokenizerSettings tokenizer;
  ModelSettings model;
  std::vector<ObjectiveSettings> objectives{1};  // one, or several heads on one encoder: of each kind one at most
  OptimizerSettings optimizer;
  ScheduleSettings schedule;
  TrainingSettings training;
  EvaluationSettings evaluation;
  CheckpointSettings checkpoint;
  InspectSettings inspect;
  LogSettings log;
  const ObjectiveSettings* head(ObjectiveKind kind) const;  // null: there is none of this kind
  bool operator==(const Config&) const = default;
};

struct LoadedConfig {
  Config config;
  std::map<std::string, std::string> origins;  // of each key that was set: "trec.yaml:12" or "--set"; the rest are defaults
  std::vector<std::string> warnings;           // one sentence each
};

// Reads a file, then `--set` assignments ("training.clip=0.5", the value in YAML) over it. Error{kConfig} shows every mistake of
// all of them; Error{kDevice} when the device asked for is not built in.
LoadedConfig read_config(const std::string& path, const std::vector<std::string>& sets = {});
LoadedConfig parse_config(const std::string& yaml, const std::string& name,
                          const std::vector<std::string>& sets = {});  // paths stay as they are
Config load_config(const std::string& path, const std::vector<std::string>& sets = {});

// Every value that has a meaning, as YAML; with `origin`, where each comes from.
std::string show(const LoadedConfig& loaded, bool origin = false);

// A complete configuration for a person to edit: every key that has a meaning with what it means behind it, or what `notes` says
// of it, by its path; keys without a value stand there as comments.
std::string commented(const Config& config, const std::map<std::string, std::string>& notes = {});

// Every value that has a meaning, as `show` writes it, by its path: "model.heads" → "4". Paths of files are absolute, so that two
// configurations can be compared.
std::map<std::string, std::string> values_of(const Config& config);

// The text of config.resolved.yaml: loading it from `run_dir` gives an equal Config. Relative data paths are rewritten relative to
// `run_dir`; `provenance` (version, build, hashes) is kept for people and ignored when read.
std::string resolved_yaml(const Config& config, const std::map<std::string, std::string>& provenance, const std::string& run_dir);

// What a key or a section means: type, range, default, when it applies. Error{kConfig} for an unknown one, with a suggestion.
std::string explain(const std::string& key);

// The same of every key, as Markdown: configs/REFERENCE.md.
std::string reference_page();

// JSON Schema 2020-12 of configurations, for editors and other programs: configs/vitrine.schema.json.
std::string json_schema();

}  // namespace vitrine
