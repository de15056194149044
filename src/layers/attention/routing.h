#pragma once
#include <string>

#include "layers/attention/core.h"

namespace vitrine::inline VITRINE_PRECISION {

// Routing attention (Roy et al. 2021, §4): a pattern that is learned. Each head has c centroids; each takes the w = ⌈T/c⌉ queries and the w keys of a
// sequence that are nearest to it, and attention is softmax inside these clusters. A query that several take averages their outputs; one that none
// takes gets 0. With c ≈ √T it costs T^1.5 d. q and k are layer-normalised without parameters first; when causal, q serves as k too. Derived in routing.md.
// State <name>.centroids [H,c,d]: moved after each step towards the mean of the queries and keys that were nearest to them, never by a gradient.
class RoutingAttention : public AttentionCore {
 public:
  RoutingAttention(const CoreShape& shape, bool causal, int64_t clusters, double decay);
  void plan(Plan& p) override;
  Tiles forward(Step& s, Tiles Q, Tiles K, Tiles V) override;
  void backward(Step& s, Tiles dQ, Tiles dK, Tiles dV, Tiles dO) override;

 private:
  Members queries(const Step& s) const { return {places_q_.top(rows(s)), c_, &s.in.packing}; }
  Members keys(const Step& s) const { return causal_ ? queries(s) : Members{places_k_.top(rows(s)), c_, &s.in.packing}; }
  int64_t rows(const Step& s) const { return s.in.packing.tokens() + s.in.packing.sequences() * c_; }  // by clusters
  Tiles clustered(Tensor x, bool square = false) const { return {x, &clusters_, H_, square}; }
  AttentionWeights weights(const Step& s) const;
  void pack_clusters(const Packing& packing);
  void show_weights(Step& s, Tiles O, Tiles V) const;

  std::string weights_name_, centroids_name_;
  int64_t H_, D_, c_;
  double decay_;
  Real scale_, rate_;  // 1/√d; dropout of the weights
  uint32_t stream_;    // of its random numbers
  bool causal_;
  Packing clusters_;  // c clusters of w tokens for each sequence, and what is left of its T + c rows
  Tensor centroids_, sums_;
  Tensor q_, k_, rstd_q_, rstd_k_, places_q_, places_k_, nearest_q_, nearest_k_, counts_, work_;
  Tensor Qc_, Kc_, Vc_, Oc_, lse_, O_, dQc_, dKc_, dVc_, dOc_;
};

}  // namespace vitrine::inline VITRINE_PRECISION
