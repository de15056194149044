#pragma once
#include <string>

#include "layers/attention/kernel.h"

namespace vitrine::inline VITRINE_PRECISION {

// FAVOR+ (Choromanski et al. 2021): the weights of kernel.h with random features whose products estimate e^(q·k/√d) without bias,
//   φ(x)_r = e^(ω_r·x̃ − |x̃|²/2)/√m,   x̃ = x/d^¼,   ω [m,d] normal with orthogonal blocks.   Derived in performer.md.
// ω is the state <name>.features [H,m,d], drawn anew after every `redraw` steps (0: never): draw k, of step k·redraw, is a function of seed, layer,
// head and k. There are no weights that dropout could act on.
class PerformerAttention : public AttentionCore {
 public:
  PerformerAttention(const CoreShape& shape, bool causal, int64_t features, int64_t redraw);  // features 0: 4 d
  void plan(Plan& p) override;
  Tiles forward(Step& s, Tiles Q, Tiles K, Tiles V) override;
  void backward(Step& s, Tiles dQ, Tiles dK, Tiles dV, Tiles dO) override;

  // Far below what a denominator is, so that what was subtracted from the exponents cancels; above 0, for rows whose features are all 0.
  static constexpr double kEpsilon = 1e-20;

 private:
  std::string features_name_;
  int64_t layer_, H_, D_, d_, m_, redraw_;
  Real scale_;  // d^(−¼)
  KernelAttention kernel_;
  Tensor omega_, fq_, fk_, dfq_, dfk_;
  Tiles Q_, K_, V_;
};

}  // namespace vitrine::inline VITRINE_PRECISION
