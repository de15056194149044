#pragma once
#include "layers/position/relative_position.h"

namespace vitrine::inline VITRINE_PRECISION {

// Queries and keys turn with their position (Su et al. 2021, §3.2): the pair (2i, 2i+1) of a head by the angle t·base^(−2i/width),
// so that q_i·k_j depends on j − i alone. Numbers from `width` on stay.
class Rotary : public RelativePosition {
 public:
  explicit Rotary(const SharedPosition& shared) : shared_(shared) {}
  bool stores_scores() const override { return false; }
  void prepare(Step& s, Tiles Q, Tiles K) override;
  void finish(Step& s, Tiles dQ, Tiles dK) override;

 private:
  const SharedPosition& shared_;
};

}  // namespace vitrine::inline VITRINE_PRECISION
