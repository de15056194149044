#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"

namespace vitrine {

// The folder that a training writes and every other verb reads. run.json in it holds the format's number: a folder that another
// version wrote is refused, and a folder without it is not a run directory. Errors: Error{kCheckpoint}, or kConfig where another
// option on the command line mends it.
class RunDirectory {
 public:
  // kNew refuses a folder that holds anything; kResume wants a run directory; kOverwrite removes what a training wrote there, and
  // nothing else.
  enum class Mode { kNew, kResume, kOverwrite };
  static RunDirectory create(const std::string& path, Mode mode);  // and locks it against a second training
  static RunDirectory open(const std::string& path);               // for reading

  RunDirectory(RunDirectory&& other) noexcept;
  RunDirectory& operator=(RunDirectory&& other) noexcept;
  ~RunDirectory();

  const std::string& path() const { return path_; }
  std::string config() const { return path_ + "/config.resolved.yaml"; }
  std::string tokenizer() const { return path_ + "/tokenizer.json"; }
  std::string metrics() const { return path_ + "/metrics.jsonl"; }
  std::string log() const { return path_ + "/train.log"; }
  std::string attention() const { return path_ + "/attention"; }
  std::string page() const { return path_ + "/page.html"; }
  std::string floors() const { return path_ + "/floors.json"; }
  std::string tensorboard() const { return path_ + "/tensorboard"; }

  // One JSON object in one line of metrics.jsonl, handed to the system before this returns. It has the number "step".
  void append_metrics(std::string_view object);
  // Before going on from a checkpoint: drops the lines of later steps, and a last line that a kill tore. All or nothing.
  void drop_metrics_after(int64_t step);
  std::vector<std::string> read_metrics() const;  // whole lines only

 private:
  explicit RunDirectory(const std::string& path) : path_(path) {}

  std::string path_;
  int lock_ = -1;
  std::optional<LineFile> metrics_;
};

}  // namespace vitrine
