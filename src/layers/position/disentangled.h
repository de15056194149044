#pragma once
#include "layers/linear.h"
#include "layers/position/relative_position.h"

namespace vitrine::inline VITRINE_PRECISION {

// Content and position attend to each other (He et al. 2021, §3.1): the embeddings p_0 … p_{2k−1} of offsets, the same in all layers,
// are projected to keys k^r = p W_pkᵀ and queries q^r = p W_pqᵀ + b. With δ(i,j) = clamp(i − j + k, 0, 2k − 1):
//   S_ij = (q_i·k_j + q_i·k^r_{δ(i,j)} + k_j·q^r_{δ(j,i)}) / √(3d)
class Disentangled : public RelativePosition {
 public:
  Disentangled(const std::string& name, int64_t width, int64_t heads, const SharedPosition& shared);
  int64_t terms() const override { return 3; }
  void plan(Plan& p) override;
  void prepare(Step& s, Tiles Q, Tiles K) override;
  void add_scores(Step& s, Tiles S, Tiles Q, Tiles K) override;
  void scores_backward(Step& s, Tiles dQ, Tiles dK, Tiles dS) override;
  void finish(Step& s, Tiles dQ, Tiles dK) override;

 private:
  const SharedPosition& shared_;
  std::string name_;
  int64_t D_, H_, k_;
  ByOffset of_query_, of_key_;
  Real scale_;  // 1/√(3d)
  Parameter W_key_, W_query_, b_query_;
  Tensor Kr_, Qr_, dKr_, dQr_;  // k^r, q^r [2k,D]
  Tensor R_, dR_;               // [N, H·2k], of either term in turn
  Tiles Q_, K_;
};

}  // namespace vitrine::inline VITRINE_PRECISION
