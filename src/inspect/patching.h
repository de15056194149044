#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "inspect/intervention.h"
#include "train/engine.h"

namespace vitrine {

// ln Σ_c e^(z_c) over some of the logits.
double log_sum_exp(std::span<const double> logits, std::span<const int32_t> classes);

// How much likelier a model finds some answers than others, at one target of one objective: ln Σ_here p − ln Σ_there p.
struct LogOdds {
  size_t objective = 0, target = 0;
  std::vector<int32_t> here, there;
  std::span<const double> logits(const ForwardResult& result) const;
  double operator()(const ForwardResult& result) const;
};

// Two sentences of one length, alone in their batches, and what is asked of both.
struct PatchQuestion {
  const Batch &clean, &pair;
  LogOdds odds;
  int64_t row = -1;  // of the target; −1: it is a whole sequence
};

// Effects of single activations: that of the pair put into the run on the clean sentence, (LD_patched − LD) / (LD_pair − LD): 0 nothing
// moves, 1 the answer is the pair's (Vig et al. 2020, "Causal mediation analysis"; Meng et al. 2022, §2.1). n tokens, L blocks, H heads.
struct PatchGrids {
  double clean = 0, pair = 0;           // LD of the two runs, nats
  std::vector<double> residual;         // [L+1][n]: row 0 the embedding, row l + 1 what block l leaves
  std::vector<double> attention;        // [L][n]: the outputs of all heads at one position
  std::vector<double> feed_forward;     // [L][n]
  std::vector<double> heads;            // [L][H]: a head's output at all positions
  std::vector<double> heads_at_target;  // [L][H]: at the target alone, as in the link test; empty where the target is a sequence
  std::vector<double> edges;            // [L][H][n]: what passes from j to the target alone; empty where that is a sequence
  double none = 0, all = 0;             // measured: patching nothing, and the embedding at all positions
};
// About L (3n + 2H + H n) + n passes. Error{kConfig} where the two sentences have the same log-odds.
PatchGrids patch(Engine& engine, const ModelSettings& model, const PatchQuestion& question);
// Every edge i ← j of one head, [n][n]: the row is where it ends.
std::vector<double> patch_edges(Engine& engine, const ModelSettings& model, const PatchQuestion& question, int64_t layer,
                                int64_t head);

// The logits that the model would give if it stopped there, for the embedding and after each block, at the target of `odds`: the rest of the
// blocks left out, the final norm kept (nostalgebraist 2020, "logit lens"). [L+1] of [C].
std::vector<std::vector<double>> logit_lens(Engine& engine, const ModelSettings& model, const Batch& batch, const LogOdds& odds);

// How much a token's value reaches each other token's residual after a block: 1 − cos of the row with v_j = 0 and without, of the heads of
// this block, each row divided by its sum; [n][n] for a batch of one sentence (Mohebbi et al. 2023, "Quantifying context mixing").
std::vector<double> value_zeroing(Engine& engine, const ModelSettings& model, const Batch& batch, int64_t layer);

}  // namespace vitrine
