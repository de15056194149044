#pragma once
#include "layers/attention/kernel.h"

namespace vitrine::inline VITRINE_PRECISION {

// Linear attention (Katharopoulos et al. 2020, §3.2): the weights of kernel.h with φ(x) = elu(x) + 1 of unscaled q and k, m = d, ε = 1e-6.
// Time and memory grow with T. There are no weights that dropout could act on. Derived in linear.md.
class LinearAttention : public AttentionCore {
 public:
  LinearAttention(const CoreShape& shape, bool causal);
  void plan(Plan& p) override;
  Tiles forward(Step& s, Tiles Q, Tiles K, Tiles V) override;
  void backward(Step& s, Tiles dQ, Tiles dK, Tiles dV, Tiles dO) override;

  static constexpr double kEpsilon = 1e-6;

 private:
  int64_t H_, D_;
  KernelAttention kernel_;
  Tensor fq_, fk_;
  Tiles V_;
};

}  // namespace vitrine::inline VITRINE_PRECISION
