#pragma once
#include "layers/attention/fused.h"

namespace vitrine::inline VITRINE_PRECISION {

// Each head learns how far it looks: z tokens (Sukhbaatar et al. 2019, §2.2), through a soft mask with a ramp of R tokens. Derived in adaptive_span.md.
//   P_ij = m_|i−j| e^S_ij / Σ_l m_|i−l| e^S_il,   m_o = clamp((R + z − o)/R, 0, 1):   softmax of S + ln m, a bias for each offset
// Tile by tile as in fused.h, within z + R of the query: the work shrinks with z. The ℓ1 penalty on z, `penalty` for each token of a
// head's span, is no part of the loss that is reported: it is added to z's gradient, once a step, with the batch's first micro-batch.
class AdaptiveSpanAttention : public FusedAttention {
 public:
  struct Settings {
    int64_t max_span;
    double ramp, initial, penalty;
  };
  AdaptiveSpanAttention(const CoreShape& shape, const Pattern& pattern, const Settings& settings);
  void plan(Plan& p) override;
  Tiles forward(Step& s, Tiles Q, Tiles K, Tiles V) override;
  void backward(Step& s, Tiles dQ, Tiles dK, Tiles dV, Tiles dO) override;

 private:
  std::string name_;
  Settings settings_;
  Parameter z_;  // [1,H]
};

}  // namespace vitrine::inline VITRINE_PRECISION
