#pragma once
#include "layers/position/relative_position.h"

namespace vitrine::inline VITRINE_PRECISION {

// S_ij += bias[h, L − 1 + j − i]: a number of each head for each offset, bias [H,2L−1].
class OffsetBias : public RelativePosition {
 public:
  explicit OffsetBias(const SharedPosition& shared) : shared_(shared) {}
  bool stores_scores() const override { return false; }
  Tensor bias() const override { return bias_; }
  Tensor dbias() const override { return dbias_; }
  void add_scores(Step& s, Tiles S, Tiles Q, Tiles K) override;
  void scores_backward(Step& s, Tiles dQ, Tiles dK, Tiles dS) override;

 protected:
  const SharedPosition& shared_;
  Tensor bias_, dbias_;  // dbias [H,2L−1], set in backward; empty: the bias is constant
};

// A penalty on distance: bias = −m_h |j − i| with a constant slope for each head (Press et al. 2022, §3; symmetric for encoders).
class Alibi : public OffsetBias {
 public:
  using OffsetBias::OffsetBias;
  void plan(Plan&) override { bias_ = shared_.table; }
};

// A learned number for each head and bucket of offsets, w [buckets,H], the same in all layers (Raffel et al. 2020, §2.1).
// With M_bc = [offset c is in bucket b]:   bias = wᵀ M
class T5Bias : public OffsetBias {
 public:
  using OffsetBias::OffsetBias;
  void plan(Plan& p) override;
  void prepare(Step& s, Tiles Q, Tiles K) override;
  void finish(Step& s, Tiles dQ, Tiles dK) override;
};

}  // namespace vitrine::inline VITRINE_PRECISION
