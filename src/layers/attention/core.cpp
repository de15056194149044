#include "layers/attention/core.h"

#include <iterator>
#include <vector>

#include "base/check.h"
#include "layers/attention/adaptive_span.h"
#include "layers/attention/dense.h"
#include "layers/attention/entmax.h"
#include "layers/attention/fused.h"
#include "layers/attention/linear.h"
#include "layers/attention/performer.h"
#include "layers/attention/routing.h"
#include "layers/attention/top_k.h"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

// auto: decided by the longest sequence that memory is planned for, as soon as that is known, and by what the positions need.
class ChosenAttention : public AttentionCore {
 public:
  ChosenAttention(const CoreShape& shape, const Pattern& pattern) : shape_(shape), pattern_(pattern) {}
  void plan(Plan& p) override {
    const bool stored = shape_.position && shape_.position->stores_scores();
    if (!core_ && (stored || p.extent.longest < kFusedFromLength)) core_ = std::make_unique<DenseAttention>(shape_, pattern_);
    if (!core_) core_ = std::make_unique<FusedAttention>(shape_, pattern_);
    core_->plan(p);
  }
  Tiles forward(Step& s, Tiles Q, Tiles K, Tiles V) override { return core_->forward(s, Q, K, V); }
  void backward(Step& s, Tiles dQ, Tiles dK, Tiles dV, Tiles dO) override { core_->backward(s, dQ, dK, dV, dO); }

 private:
  CoreShape shape_;
  Pattern pattern_;
  std::unique_ptr<AttentionCore> core_;
};

Pattern pattern_of(const CoreShape& shape, const AttentionSettings& settings) {
  Pattern pattern{.causal = settings.causal};
  const std::vector<int64_t>& windows = settings.window;
  check(windows.size() == 1 || (settings.kind == AttentionKind::kLocal && std::ssize(windows) == shape.heads),
        "one window, or one for each head of local attention");
  if (settings.kind == AttentionKind::kLocal) pattern.window = windows[0];
  if (windows.size() > 1) pattern.windows = windows;
  if (settings.kind == AttentionKind::kBlockSparse) {
    pattern.block = settings.block, pattern.reach = windows[0], pattern.global = settings.global;
    pattern.random = settings.random, pattern.stride = settings.stride;
    pattern.key = {shape.seed, RngKey::make_stream(Purpose::kBlocks, uint32_t(shape.layer)), 0};
  }
  return pattern;
}

// Softmax over the keys that a pattern allows. Tile by tile where a pattern is sparse, unless the page that students read is asked for, or positions
// act on stored scores.
std::unique_ptr<AttentionCore> make_softmax_attention(const CoreShape& shape, const AttentionSettings& settings) {
  const Pattern pattern = pattern_of(shape, settings);
  const bool stored = shape.position && shape.position->stores_scores();
  check(!stored || settings.implementation != AttentionImplementation::kFused,
        "positions that act on stored scores, in attention that stores none");
  switch (settings.implementation) {
    case AttentionImplementation::kAuto:
      if (settings.kind == AttentionKind::kFull) return std::make_unique<ChosenAttention>(shape, pattern);
      if (stored) return std::make_unique<DenseAttention>(shape, pattern);
      [[fallthrough]];
    case AttentionImplementation::kFused: return std::make_unique<FusedAttention>(shape, pattern);
    case AttentionImplementation::kDense: return std::make_unique<DenseAttention>(shape, pattern);
  }
  return nullptr;
}

}  // namespace

std::unique_ptr<AttentionCore> make_attention_core(const CoreShape& shape, const AttentionSettings& settings) {
  switch (settings.kind) {
    case AttentionKind::kFull:
    case AttentionKind::kLocal:
    case AttentionKind::kBlockSparse: return make_softmax_attention(shape, settings);
    case AttentionKind::kTopK: return std::make_unique<TopKAttention>(shape, pattern_of(shape, settings), settings.k);
    case AttentionKind::kEntmax:
      return settings.alpha == 0 ? std::make_unique<EntmaxAttention>(shape, pattern_of(shape, settings), 1.5, true)
                                 : std::make_unique<EntmaxAttention>(shape, pattern_of(shape, settings), settings.alpha, false);
    case AttentionKind::kAdaptiveSpan:
      return std::make_unique<AdaptiveSpanAttention>(
          shape, pattern_of(shape, settings),
          AdaptiveSpanAttention::Settings{settings.max_span, settings.ramp, settings.initial, settings.penalty});
    case AttentionKind::kLinear: return std::make_unique<LinearAttention>(shape, settings.causal);
    case AttentionKind::kPerformer:
      return std::make_unique<PerformerAttention>(shape, settings.causal, settings.features, settings.redraw);
    case AttentionKind::kRouting:
      return std::make_unique<RoutingAttention>(shape, settings.causal, settings.clusters, settings.decay);
  }
  return nullptr;
}

}  // namespace vitrine::inline VITRINE_PRECISION
