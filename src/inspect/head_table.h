#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "inspect/link_test.h"
#include "inspect/measures.h"
#include "inspect/statistics.h"

namespace vitrine {

// What the weights of one head say over a split (formulas in inspect/measures.h).
struct MapFacts {
  RatioEstimate entropy, distance, confidence;
  RatioEstimate first_key, last_key;                  // weight on the first and on the last token
  std::array<RatioEstimate, kPatternCount> patterns;  // by AttentionPattern
  double content = 0;                                 // of 64 sentences of the most frequent length; NaN where there are not two
  RatioEstimate duplicate, induction, masked_copy;    // of random tokens that stand twice; masked_copy where [MASK] is predicted
};

struct HeadFacts {
  MapFacts trained, untrained;
  // Loss per target without the head, minus the loss: its output 0, or its mean over the split, at every position (Michel et al. 2019, §3).
  RatioEstimate zeroed, averaged;
  // E|Σ_i ⟨O_i, ∂loss/∂O_i⟩| of each sentence's own loss, not of the batch's mean (ibid. §4.1); importance divides it by the ℓ2 norm of its layer.
  RatioEstimate sensitivity;
  double importance = 0;
};

// Heads that together cost no more than a threshold, and what they cost.
struct HeadGroup {
  std::vector<HeadName> heads;
  RatioEstimate cost;
};
struct AlikeHeads {
  HeadName a, b;
  double divergence = 0;   // nats
  RatioEstimate together;  // loss without both, minus the loss
};

struct HeadTable {
  int64_t layers = 0, heads = 0, sentences = 0;
  RatioEstimate loss;              // per target, of several objectives weighted as in training
  MapFacts chance;                 // of a head that weighs all visible keys alike
  double sink_threshold = 0;       // mean of max(0.3, 3/n) over the sentences
  std::vector<HeadFacts> facts;    // [L·H]
  std::vector<double> divergence;  // [L·H][L·H] mean Jensen–Shannon divergence of maps, of the first 50 sentences
  std::vector<AlikeHeads> alike;   // pairs below the threshold, nearest first, ten at most
  HeadGroup prunable;  // greedily: all whose zeroed is below the threshold, the costliest left out until it holds together
  std::vector<LinkMeasure> links, untrained_links;  // by class; empty where the corpus has none

  HeadName name(size_t k) const { return {static_cast<int64_t>(k) / heads, static_cast<int64_t>(k) % heads}; }
  size_t index(HeadName h) const { return static_cast<size_t>(h.layer * heads + h.head); }
};

struct HeadTableOptions {
  int64_t limit = 0;            // sentences, from the front; 0: all
  int64_t batch_tokens = 2048;  // of one forward pass
  int64_t longest = 0;          // tokens that the engines have memory for
  double prune_below = 0.002;   // nats: what a head may cost that is not missed
  double alike_below = 0.02;    // nats: the divergence of heads that look at the same keys
  std::vector<double> weights;  // of the objectives' losses
};

// Two engines with trained and with initial parameters; memory does not grow with the split. 2LH + 4 passes over it, and those of the links.
HeadTable measure_heads(Engine& engine, Engine& untrained, const ModelSettings& model, const Corpus& corpus, const Dataset& split,
                        const Collator& collator, const HeadTableOptions& options);

}  // namespace vitrine
