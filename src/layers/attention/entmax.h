#pragma once
#include "layers/attention/dense.h"

namespace vitrine::inline VITRINE_PRECISION {

// α-entmax instead of softmax: exact zeros, how many depends on the scores (Peters et al. 2019; Correia et al. 2019). Derived in entmax.md.
//   p_j = [(α − 1) s_j − τ]₊^(1/(α − 1)),  τ such that Σ p = 1.   α = 2: sparsemax (Martins and Astudillo 2016); α → 1: softmax
// Fixed, or learned for each head: α = 1 + σ(a).
class EntmaxAttention : public DenseAttention {
 public:
  EntmaxAttention(const CoreShape& shape, const Pattern& pattern, double alpha, bool learned);
  void plan(Plan& p) override;

 private:
  void normalise(Step& s, Tiles P) override;
  void normalise_backward(Step& s, Tiles dP, Tiles P) override;

  std::string name_;
  double start_;
  bool learned_;
  Parameter a_;                          // [1,H], if learned
  Tensor alpha_, slope_, one_, dalpha_;  // [1,H]
};

}  // namespace vitrine::inline VITRINE_PRECISION
