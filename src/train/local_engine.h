#pragma once
#include <memory>
#include <vector>

#include "base/workers.h"
#include "train/engine.h"
#include "train/optimizer.h"
#include "train/replica.h"

namespace vitrine::inline VITRINE_PRECISION {

// The engine on one machine. A batch is cut into as many contiguous runs of sequences as there are lanes; every lane adds the
// gradients of its micro-batches in order; lanes are summed in a balanced tree. The number of lanes is part of the arithmetic; threads
// only decide who runs a lane, so any number of them gives the same bits.
class LocalEngine : public Engine {
 public:
  explicit LocalEngine(const EngineSettings& settings);

  const EngineSummary& summary() const override { return summary_; }
  Precision precision() const override { return sizeof(Real) == 4 ? Precision::kFloat32 : Precision::kFloat64; }
  StepReport train_step(const Batch& batch, int64_t step, double learning_rate) override;
  void forward(const Batch& batch, ForwardResult& result, Want want, Probe* probe) override;
  double loss_of(const Batch& batch) override;
  double gradients_of(const Batch& batch, Probe* probe) override;
  std::vector<OpProfile> profile() const override;
  std::vector<NamedTensor> parameters() const override;
  std::vector<NamedTensor> gradients() const override;
  std::vector<NamedTensor> optimizer_state() const override;
  std::vector<std::string> set_parameters(const SafeTensors& file, bool partial) override;
  void set_optimizer_state(const SafeTensors& file) override;
  double get(std::string_view parameter, int64_t index) const override;
  void set(std::string_view parameter, int64_t index, double value) override;

 private:
  struct Stretch {  // of the flat buffers: short enough to share among threads, with one rule for weight decay
    int64_t offset, size;
    bool decays;
  };
  Backend& ops() const { return lanes_[0]->ops(); }
  void initialise();
  void cut_into_stretches();
  int64_t lane_begin(const Batch& batch, int64_t lane) const;  // its first sequence
  double accumulate(const Batch& batch, bool training, RngKey rng,
                    Probe* probe = nullptr);  // all lanes: forward, backward; the loss
  // Calls loss(lane) with each micro-batch in its lane; their sum. `in_turn`: one lane after the other.
  double sum_losses(const Batch& batch, const std::function<double(Replica&)>& loss, bool in_turn = false);
  void run_lanes(const std::function<void(int64_t)>& run, bool in_turn);
  Tensor sum_lanes(Backend& ops, int64_t offset, int64_t size);  // a part of the gradients, into lane 0
  double sum_lanes();                                            // all of them; the norm of the sum
  [[noreturn]] void diagnose(const Batch& batch, int64_t step, RngKey rng);
  // Calls f(stretch, a backend that no other thread uses now).
  template <class F>
  void for_each_stretch(F f);
  Tensor value_of(const NamedParameter& parameter, const Real* base) const;  // its place in a buffer laid out as the parameters
  NamedTensor export_tensor(const std::string& name, const std::vector<int64_t>& shape, Tensor at) const;
  void import_tensor(const NamedTensor& from, Tensor at);
  const NamedParameter& find(std::string_view parameter) const;

  EngineSettings settings_;
  EngineSummary summary_;
  SharedMemory shared_;
  std::vector<std::unique_ptr<Replica>> lanes_;
  std::unique_ptr<Optimizer> optimizer_;
  Workers workers_;
  std::vector<Stretch> stretches_;
  std::vector<double> squares_, lane_loss_;
};

EngineSummary plan_local_engine(const EngineSettings& settings);
std::unique_ptr<Engine> make_local_engine(const EngineSettings& settings);

}  // namespace vitrine::inline VITRINE_PRECISION
