#pragma once
#include <memory>
#include <string>

#include "layers/layer.h"
#include "layers/position/relative_position.h"
#include "layers/settings.h"

namespace vitrine::inline VITRINE_PRECISION {

// What stands between the projections of multi-head self-attention: O from Q, K, V, each [T,d] for every sequence and head.
// One file a core, with its derivation beside it. Each shows the weights that it really uses to the probe, and its output.
class AttentionCore {
 public:
  virtual ~AttentionCore() = default;
  virtual void plan(Plan& p) = 0;
  virtual Tiles forward(Step& s, Tiles Q, Tiles K, Tiles V) = 0;               // O; Q, K, V must live until backward
  virtual void backward(Step& s, Tiles dQ, Tiles dK, Tiles dV, Tiles dO) = 0;  // sets dQ, dK, dV
};

struct CoreShape {
  std::string name;  // blocks.<l>.attention
  int64_t layer, heads, width;
  double dropout;
  uint64_t seed = 0;                     // of the run, for what is drawn once and stays
  RelativePosition* position = nullptr;  // of this layer; null: none
};
// `auto` is dense below this length and fused from it on; of a sparse pattern it is always fused. `vitrine bench attention --kinds
// full,full/dense` measures it: forward and backward of 512 tokens take 6.3 ms fused and 6.4 dense, of 2,048 tokens 102 and 122 (AMD EPYC, AVX-512).
constexpr int64_t kFusedFromLength = 512;

std::unique_ptr<AttentionCore> make_attention_core(const CoreShape& shape, const AttentionSettings& settings);

}  // namespace vitrine::inline VITRINE_PRECISION
