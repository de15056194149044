#pragma once
#include "layers/position/relative_position.h"

namespace vitrine::inline VITRINE_PRECISION {

// An embedding of each offset up to ±k is added to the keys, and optionally another one to the values (Shaw et al. 2018, §3.2), both
// shared by the heads. With c(r) = clip(r, −k, k):
//   S_ij = q_i·(k_j + a_{c(j−i)}) / √d           O_i = Σ_j P_ij (v_j + b_{c(j−i)})           a, b [2k+1,d], row k is offset 0
class Shaw : public RelativePosition {
 public:
  Shaw(const std::string& name, int64_t width, int64_t heads, const PositionSettings& settings);
  void plan(Plan& p) override;
  void add_scores(Step& s, Tiles S, Tiles Q, Tiles K) override;
  void add_values(Step& s, Tiles O, Tiles P) override;
  void values_backward(Step& s, Tiles dP, Tiles P, Tiles dO) override;
  void scores_backward(Step& s, Tiles dQ, Tiles dK, Tiles dS) override;

 private:
  std::string name_;
  int64_t D_, H_, k_;
  bool has_values_;
  Real scale_;  // 1/√d
  Parameter a_, b_;
  Tensor R_, G_, dR_;  // [N, H·(2k+1)]; dG lies where dR will
  Tiles Q_;
};

}  // namespace vitrine::inline VITRINE_PRECISION
