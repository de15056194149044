#pragma once
#include "layers/attention/dense.h"

namespace vitrine::inline VITRINE_PRECISION {

// Softmax over each row's k largest scores alone (Zhao et al. 2019, §2.2): explicit selection, exact zeros. Derived in top_k.md.
//   P_ij = e^S_ij / Σ e^S_il over the k largest S_il of row i, of equal ones the first;   k ≥ T: full attention
class TopKAttention : public DenseAttention {
 public:
  TopKAttention(const CoreShape& shape, const Pattern& pattern, int64_t k) : DenseAttention(shape, pattern), k_(k) {}

 private:
  void normalise(Step& s, Tiles P) override { s.ops.top_k_forward(P, P, k_, pattern_); }
  // That of softmax: P is 0 where nothing was selected, and a selection does not move when a score moves a little.

  int64_t k_;
};

}  // namespace vitrine::inline VITRINE_PRECISION
