#pragma once
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "config/config.h"

namespace vitrine {

// An empty folder that is the working directory while it lives, so that messages name files as a person would type them.
class WorkingFolder {
 public:
  WorkingFolder() : before_(std::filesystem::current_path()) {
    std::string name = (std::filesystem::temp_directory_path() / "vitrine_config_XXXXXX").string();
    path_ = mkdtemp(name.data());
    std::filesystem::current_path(path_);
  }
  ~WorkingFolder() {
    std::filesystem::current_path(before_);
    std::filesystem::remove_all(path_);
  }
  WorkingFolder(const WorkingFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path before_, path_;
};

inline void write(const std::string& path, const std::string& text) {
  if (const auto parent = std::filesystem::path(path).parent_path(); !parent.empty()) std::filesystem::create_directories(parent);
  std::ofstream(path, std::ios::binary) << text;
}

// A configuration that is right; `lines` replace the line of the same section, or stand behind; "tokenizer: (none)" leaves one out.
inline std::string configuration(const std::vector<std::string>& lines = {}) {
  std::vector<std::string> base = {"run: {name: t}",
                                   "data: {kind: labelled_lines, train: a.txt, validation: 0.1, max_length: 64}",
                                   "tokenizer: {kind: word}",
                                   "model: {width: 64, layers: 1, heads: 4, hidden: 128}",
                                   "objective: {kind: sequence_classification}",
                                   "optimizer: {kind: adamw}",
                                   "schedule: {kind: linear, warmup_steps: 5}",
                                   "training: {steps: 10}",
                                   "evaluation: {every: 5}"};
  for (const std::string& line : lines) {
    const std::string section = line.substr(0, line.find(':') + 1);
    bool found = false;
    for (std::string& old : base)
      if (old.starts_with(section)) old = line, found = true;
    if (!found) base.push_back(line);
  }
  std::string text;
  for (const std::string& line : base)
    if (!line.ends_with(": (none)")) text += line + "\n";
  return text;
}

struct Refusal {
  int kind = 0;  // 0: nothing was wrong
  std::string message;
};

inline Refusal refusal(const std::string& text, const std::vector<std::string>& sets = {}) {
  write("t.yaml", text);
  try {
    load_config("t.yaml", sets);
  } catch (const Error& e) {
    return {static_cast<int>(e.kind()), e.what()};
  }
  return {};
}

inline LoadedConfig loaded(const std::string& text, const std::vector<std::string>& sets = {}) {
  write("t.yaml", text);
  return read_config("t.yaml", sets);
}

}  // namespace vitrine
