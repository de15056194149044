#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/device.h"
#include "base/op_profile.h"
#include "base/safetensors.h"
#include "data/batch.h"
#include "layers/probe.h"
#include "model/settings.h"
#include "train/settings.h"

namespace vitrine {

enum class Precision { kFloat32, kFloat64 };

// All that an engine needs to know before it can plan its memory.
struct EngineSettings {
  ModelSettings model;
  std::vector<ObjectiveSettings> objectives;       // batches carry one Targets for each
  std::vector<std::vector<double>> class_weights;  // for each objective: by class, or empty
  OptimizerSettings optimizer;
  TrainingSettings training;
  uint64_t seed = 1;
  DeviceSettings device;
  int threads = 0;                                // 0: one for each core, never more than lanes
  bool profile = false;                           // times every primitive
  int64_t vocabulary = 0;                         // V
  std::vector<int64_t> classes;                   // for each objective; V for language models
  int64_t shortest = 1, longest = 0;              // sequence lengths in the data, in tokens
  int64_t batch_tokens = 0, batch_sequences = 0;  // the most that one batch holds
};

// What was planned, for people: numbers of bytes are exact.
struct EngineSummary {
  int64_t parameters = 0;
  int64_t micro_batch = 0, lanes = 0, threads = 0;
  int64_t bytes_parameters = 0, bytes_gradients = 0, bytes_optimizer = 0, bytes_activations = 0;
  int64_t bytes() const { return bytes_parameters + bytes_gradients + bytes_optimizer + bytes_activations; }
};

struct StepReport {
  double loss = 0;           // Σ_k weight_k · mean over the targets of head k
  double gradient_norm = 0;  // before clipping
};

// What a forward pass in evaluation mode says of each target of one objective, in batch order.
struct HeadResult {
  int64_t classes = 0;         // C
  std::vector<double> losses;  // [M]; −log p of the truth, without label smoothing and class weights: comparable with floors
  std::vector<int32_t> predictions;  // [M] arg max; the smallest class on a tie (no meaning where several classes may hold)
  std::vector<double> logits;        // [M,C], if asked for, and always of heads for several classes and for a number
};
using ForwardResult = std::vector<HeadResult>;  // one for each objective
enum class Want { kLosses, kLogits };

// The one seam between the code that is compiled twice, in float and in double, and all the rest, which is built once.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual const EngineSummary& summary() const = 0;
  virtual Precision precision() const = 0;

  // Forward, backward, clip, update: step number `step` counts from 1. A loss or gradient that is not finite throws
  // Error{kDiverged} that names step, micro-batch and first bad tensor, and leaves the parameters as they were.
  virtual StepReport train_step(const Batch& batch, int64_t step, double learning_rate) = 0;
  // Evaluation mode. `probe` may look at activations and change them; lanes then run one after the other.
  virtual void forward(const Batch& batch, ForwardResult& result, Want want = Want::kLosses, Probe* probe = nullptr) = 0;
  // What training makes small, as in StepReport, dropout off; gradients_of also sets all gradients to those of this loss. Its probe sees the
  // activations, and then the gradients of activations that layers/probe.h names; lanes then run one after the other.
  virtual double loss_of(const Batch& batch) = 0;
  virtual double gradients_of(const Batch& batch, Probe* probe = nullptr) = 0;

  // What every primitive did since the engine was made, the most expensive first; nothing unless settings.profile.
  virtual std::vector<OpProfile> profile() const = 0;

  // Copies out and in by name; dtype is the engine's precision. Importing wants every name with its shape, unless `partial`: then
  // what the file lacks stays as it is and the names are returned. Error{kCheckpoint} otherwise.
  virtual std::vector<NamedTensor> parameters() const = 0;
  virtual std::vector<NamedTensor> gradients() const = 0;
  virtual std::vector<NamedTensor> optimizer_state() const = 0;
  virtual std::vector<std::string> set_parameters(const SafeTensors& file, bool partial = false) = 0;
  virtual void set_optimizer_state(const SafeTensors& file) = 0;
  // One number of one parameter, for finite differences: index in row-major order.
  virtual double get(std::string_view parameter, int64_t index) const = 0;
  virtual void set(std::string_view parameter, int64_t index, double value) = 0;
};

// What make_engine would take, without taking it.
EngineSummary plan_engine(Precision precision, const EngineSettings& settings);
std::unique_ptr<Engine> make_engine(Precision precision, const EngineSettings& settings);

}  // namespace vitrine
