#pragma once
#include <string>
#include <vector>

#include "layers/attention/core.h"

namespace vitrine::inline VITRINE_PRECISION {

// Softmax attention that stores no weights (Dao et al. 2022): O and gradients as in dense.h but for rounding, in memory that grows with
// T, not with T². Derived in fused.md. When a probe wants the weights, they are made for it, and what it leaves of them is used.
class FusedAttention : public AttentionCore {
 public:
  FusedAttention(const CoreShape& shape, const Pattern& pattern);
  void plan(Plan& p) override;
  Tiles forward(Step& s, Tiles Q, Tiles K, Tiles V) override;
  void backward(Step& s, Tiles dQ, Tiles dK, Tiles dV, Tiles dO) override;

 protected:
  int64_t H_, D_;
  Tensor bias_, dbias_;  // [H, 2W+1] for each offset, and its gradient, to which backward adds; empty: none

 private:
  // The core's own, or that of positions; never both (pairs.h).
  Tensor bias() const { return bias_.empty() && position_ ? position_->bias() : bias_; }
  Tensor dbias() const { return bias_.empty() && position_ ? position_->dbias() : dbias_; }
  AttentionWeights weights(const Step& s) const;
  void show_weights(Step& s, Tiles O, Tiles Q, Tiles K, Tiles V) const;
  void read_off(Step& s, Tiles P, Tiles Q, Tiles K) const;

  std::string weights_name_;
  RelativePosition* position_;    // of which a bias by offset is taken; null: none
  Real scale_, rate_;             // 1/√d; dropout of the weights
  uint32_t stream_;               // of its random numbers, those of dense.h
  std::vector<int64_t> windows_;  // of pattern_
  Pattern pattern_;
  Tensor O_, lse_;
  Tiles Q_, K_, V_;
};

}  // namespace vitrine::inline VITRINE_PRECISION
