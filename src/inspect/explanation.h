#pragma once
#include <vector>

#include "inspect/patching.h"

namespace vitrine {

// Which tokens an answer hangs on, by four ways that take more than attention, and whether attention agrees with two of them (Jain & Wallace
// 2019, §4.1). Of one sentence of n tokens; LD as in patching.h.
struct Explanation {
  std::vector<double> gradient_input;  // [n] |Σ_c x_c ∂LD/∂x_c| of what stands before block 0
  std::vector<double> leave_one_out;   // [n] |LD without x − LD|, x set to 0
  std::vector<double> relevance;       // [n] of every token for the target (inspect/flow.h); without softmax a guess
  std::vector<double> rollout;         // [n] of every token at the target
  // Kendall's τ_b of each head's weights at the target with the first two, [L][H]; NaN where all weights are equal. |τ| below 2 null is no finding.
  std::vector<double> with_gradient, with_leaving;
  double null = 0;
};
// `row`: the target's; −1: the mean over all rows is read. The engine's losses are −log p, without smoothing and class weights.
Explanation explain(Engine& engine, const ModelSettings& model, const Batch& batch, const LogOdds& odds, int64_t row);

}  // namespace vitrine
