#pragma once
#include <string>

#include "train/event_file.h"
#include "train/trainer.h"

namespace vitrine {

// Passes everything on to another reporter, and writes it for TensorBoard, too: the numbers of metrics.jsonl as train/loss,
// validation/accuracy and so on, with each line of the log a histogram of every parameter and its gradient, and the configuration
// once.
class TensorboardReporter : public Reporter {
 public:
  TensorboardReporter(Reporter& next, const Engine& engine, const std::string& folder, int64_t steps_done,
                      const std::string& config);

  void step(const Step& step) override { next_.step(step); }
  void log(const TrainingLog& log) override;
  void evaluated(int64_t step, const Evaluation& evaluation, bool best) override;
  void saved(int64_t step) override { next_.saved(step); }

 private:
  void write(int64_t step, const std::string& split, const std::string& metrics);

  Reporter& next_;
  const Engine& engine_;
  EventFile file_;
};

}  // namespace vitrine
