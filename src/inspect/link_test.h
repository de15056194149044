#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/loader.h"
#include "train/engine.h"

namespace vitrine {

// Does a model know what its answers depend on, and which head carries it? For a link with target i, sources G, true value v and
// the pair's value v′ (data/links.h):
//   decision      the value with the highest total probability among the tokens that carry one is v
//   LD            ln Σ_{w says v} p(w) − ln Σ_{w says v′} p(w) at row i
//   effect of h   Σ(LD_h − LD) / Σ(LD_pair − LD), sums over links: LD_h with the output of head h (before W_O) at row i taken
//                 from the run on the minimal pair. Both runs begin alike at row i, with [MASK] or the tagged token at the same
//                 position, and the heads are all that reaches it: so patching all of them gives exactly 1, patching none exactly 0.
//   attention     Σ_{j∈G} α_ij; hit: the arg max of α_i is in G; chance: the same of a head that weighs all keys alike that row i may see,
//                 which in a mixed model is another number in each block: of G, those that it may see / all that it may see
// Where tags are predicted, w are tags, and a sequence may have a link for each of its targets.
struct HeadLink {
  double effect = 0, attention = 0, hit_rate = 0, chance = 0;
};
struct LinkMeasure {  // one class on one split; means over its links
  std::string name;
  int64_t count = 0, attractors = 0;
  double loss = 0;  // of the targets, nats; its floors: SplitFloors::links
  double decision = 0, decision_attractors = 0;
  double effect_of_none = 0, effect_of_all = 0;  // measured, not assumed
  std::vector<HeadLink> heads;                   // [L·H]
};

// Which of LinkMeasure::heads has the largest score; the first on a tie. best_head(m, &HeadLink::attention)
size_t best_head(const LinkMeasure& measure, double HeadLink::*score);

// How far LD of one link moves.
struct LinkMove {
  double pair = 0;            // LD_pair − LD
  std::vector<double> heads;  // [L·H] LD_h − LD
};

struct LinkTestOptions {
  int64_t most = 500;           // links of a class, the first ones of the split
  int64_t batch_tokens = 2048;  // of one forward pass
  bool effects = true;
};
// Which of a model's objectives the links of a corpus speak of: that of the masked token, or that of the tags; none, if it is not
// there or if masking hides what the tags depend on.
std::optional<size_t> linked_objective(const Corpus& corpus, const std::vector<TargetSettings>& targets);

// A model on a split, parallel to Corpus::link_classes; there must be such an objective. L·H + 3 forward passes.
std::vector<LinkMeasure> measure_links(Engine& engine, const ModelSettings& model, const Corpus& corpus, const Dataset& split,
                                       const Collator& collator, const LinkTestOptions& options = {});

// The first links of these sequences of a split, each of which has one. L·H + 2 forward passes over all of them.
std::vector<LinkMove> measure_moves(Engine& engine, const ModelSettings& model, const Corpus& corpus, const Dataset& split,
                                    const Collator& collator, std::span<const int64_t> sequences);

// What people are told: the heads are chosen on one split and reported on another.
struct HeadName {
  int64_t layer = 0, head = 0;
  bool operator==(const HeadName&) const = default;
};
struct LinkReport {
  std::string name;
  int64_t count = 0, attractors = 0;
  double decision = 0, decision_attractors = 0;
  double effect = 0;     // of the head with the largest effect
  HeadName effect_head;  // which that is
  double effect_of_all = 0;
  double attention = 0;             // of the head that attends most to the source
  HeadName attention_head;          // which that is
  double hit_rate = 0, chance = 0;  // of that head
  double untrained = 0;             // the attention of the head that attended most before training
  bool same_head() const { return effect_head == attention_head; }
};
// `untrained` are measures of the same model with its initial parameters, or empty. Classes without links have count 0.
std::vector<LinkReport> report_links(const ModelSettings& model, const std::vector<LinkMeasure>& chosen_on,
                                     const std::vector<LinkMeasure>& reported_on,
                                     const std::vector<LinkMeasure>& untrained_chosen_on,
                                     const std::vector<LinkMeasure>& untrained_reported_on);

}  // namespace vitrine
