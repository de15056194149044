#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/safetensors.h"
#include "inspect/patching.h"

namespace vitrine {

// What each part of a model adds to the log-odds z_a − z_b of two answers, with the scale of the final norm taken from this sentence (Elhage
// et al. 2021, "direct path"): parts reach the logits through W_U γ r alone. Their sum is the log-odds.
struct DirectAttribution {
  double total = 0;                  // z_a − z_b
  double embedding = 0, biases = 0;  // biases: b_O of every block, β of the final norm, those of the answers
  std::vector<double> heads;         // [L][H]
  std::vector<double> feed_forward;  // [L]
  double sum() const;
};
// Why a model has none, in a few words: post-norm blocks, a layer between the encoder and the logits; empty where it has.
std::string why_no_direct_attribution(const ModelSettings& model, const ObjectiveSettings& objective);
// One sentence; `rows`: where the objective reads the encoder (one row, or several whose mean is read). `odds` has one answer on each side.
DirectAttribution direct_attribution(Engine& engine, const ModelSettings& model, const ObjectiveSettings& objective,
                                     const SafeTensors& parameters, const Batch& batch, const LogOdds& odds,
                                     const std::vector<int64_t>& rows);

// One head over the vocabulary, for one token as the head sees it alone, without a position (Elhage et al. 2021, "QK and OV circuits"):
//   writes[t]  the logit that looking at the token adds to t:  (Norm(E_token) W_Vᵀ + b_V) W_Oᵀ ⊙ γ · W_U[t], unscaled
//   looks[t]   the score that the token as a query gives a key t: q · k_t/√d, from Norm(E_token) and Norm(E_t)
struct HeadCircuit {
  std::vector<double> writes, looks;  // [V]; writes is empty where the logits are not over the vocabulary
};
HeadCircuit head_circuit(const ModelSettings& model, const ObjectiveSettings& objective, const SafeTensors& parameters,
                         int64_t layer, int64_t head, int32_t token);

}  // namespace vitrine
