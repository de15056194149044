#pragma once
#include <string>

#include "layers/attention/core.h"

namespace vitrine::inline VITRINE_PRECISION {

// Attention whose weights are a product of positive features, φ(q)·φ(k), divided by its row sum (Katharopoulos et al. 2020, §3.2):
//   P_ij = φq_i·φk_j / n_i     n_i = Σ_j φq_i·φk_j + ε     O = P V,     sums over j, or over j ≤ i when causal.
// As a sum of [m,d] states it costs O(T m d), and P is formed for a probe only. What linear and performer attention share; they differ in φ.
class KernelAttention {
 public:
  KernelAttention(const CoreShape& shape, int64_t features, bool causal, double epsilon);
  void plan(Plan& p);
  Tiles forward(Step& s, Tiles fq, Tiles fk, Tiles V);                                            // φq, φk: tiles [T,m]
  void backward(Step& s, Tiles dfq, Tiles dfk, Tiles dV, Tiles dO, Tiles fq, Tiles fk, Tiles V);  // sets the first three

 private:
  KernelWeights weights() const { return {causal_, epsilon_, states_}; }
  void show_weights(Step& s, Tiles O, Tiles fq, Tiles fk, Tiles V) const;

  std::string weights_name_;
  int64_t H_, D_, m_;
  bool causal_;
  Real epsilon_;
  Tensor O_, n_, states_;
};

}  // namespace vitrine::inline VITRINE_PRECISION
