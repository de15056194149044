#include "layers/attention/core.h"

#include "layers/attention/dense.h"
#include "layers/attention/fused.h"
#include "layers/attention/linear.h"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

// auto: decided by the longest sequence that memory is planned for, as soon as that is known.
class ChosenAttention : public AttentionCore {
 public:
  ChosenAttention(const CoreShape& shape, Mask mask) : shape_(shape), mask_(mask) {}
  void plan(Plan& p) override {
    if (!core_ && p.extent.longest < kFusedFromLength) core_ = std::make_unique<DenseAttention>(shape_, mask_);
    if (!core_) core_ = std::make_unique<FusedAttention>(shape_, mask_);
    core_->plan(p);
  }
  Tiles forward(Step& s, Tiles Q, Tiles K, Tiles V) override { return core_->forward(s, Q, K, V); }
  void backward(Step& s, Tiles dQ, Tiles dK, Tiles dV, Tiles dO) override { core_->backward(s, dQ, dK, dV, dO); }

 private:
  CoreShape shape_;
  Mask mask_;
  std::unique_ptr<AttentionCore> core_;
};

std::unique_ptr<AttentionCore> make_full(const CoreShape& shape, Mask mask, AttentionImplementation implementation) {
  switch (implementation) {
    case AttentionImplementation::kAuto: return std::make_unique<ChosenAttention>(shape, mask);
    case AttentionImplementation::kDense: return std::make_unique<DenseAttention>(shape, mask);
    case AttentionImplementation::kFused: return std::make_unique<FusedAttention>(shape, mask);
  }
  return nullptr;
}

}  // namespace

std::unique_ptr<AttentionCore> make_attention_core(const CoreShape& shape, const AttentionSettings& settings) {
  const Mask mask = settings.causal ? Mask::kCausal : Mask::kNone;
  switch (settings.kind) {
    case AttentionKind::kFull: return make_full(shape, mask, settings.implementation);
    case AttentionKind::kLinear: return std::make_unique<LinearAttention>(shape, mask);
  }
  return nullptr;
}

}  // namespace vitrine::inline VITRINE_PRECISION
