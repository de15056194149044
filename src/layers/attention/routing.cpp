#include "layers/attention/routing.h"

#include <cmath>
#include <vector>

#include "base/check.h"

namespace vitrine::inline VITRINE_PRECISION {

constexpr Real kNormEpsilon = Real(1e-5);

RoutingAttention::RoutingAttention(const CoreShape& shape, bool causal, int64_t clusters, double decay)
    : weights_name_(shape.name + ".weights"),
      centroids_name_(shape.name + ".centroids"),
      H_(shape.heads),
      D_(shape.width),
      c_(clusters),
      decay_(decay),
      scale_(Real(1 / std::sqrt(double(D_ / H_)))),
      rate_(Real(shape.dropout)),
      stream_(RngKey::make_stream(Purpose::kDropoutAttention, uint32_t(shape.layer))),
      causal_(causal) {
  check(c_ >= 1, "routing attention has a cluster");
}

void RoutingAttention::plan(Plan& p) {
  const int64_t N = p.extent.tokens, G = N + p.extent.sequences * c_, d = D_ / H_;
  NamedState& state = p.state(centroids_name_, {H_, c_, d}, H_ * c_, d + 1);  // the last column of the statistics counts
  centroids_ = state.value.columns(0, d), sums_ = state.statistics;
  state.start = [at = centroids_, name = hash_name(centroids_name_)](Backend& ops, RngKey key) {
    const RngKey own{key.seed, RngKey::make_stream(Purpose::kInitialise), name};
    std::vector<Real> row(size_t(at.cols));  // normal: about as long as a normalised query, √d
    for (int64_t i = 0; i < at.rows; ++i) {
      for (int64_t j = 0; j < at.cols; ++j) row[size_t(j)] = Real(own.normal(uint32_t(i), uint32_t(j)));
      ops.write(at.slice(i, 1), row);
    }
  };
  state.advance = [at = centroids_, sums = sums_, decay = Real(decay_)](Backend& ops, RngKey) {
    ops.move_centroids(at, sums, decay);
  };

  for (Tensor* x : {&q_, &O_}) *x = p.activations.take(N, D_);
  for (Tensor* x : {&rstd_q_, &nearest_q_, &counts_}) *x = p.activations.take(N, H_);
  for (Tensor* x : {&Qc_, &Kc_, &Vc_, &Oc_}) *x = p.activations.take(G, D_);
  for (Tensor* x : {&places_q_, &lse_}) *x = p.activations.take(G, H_);
  if (!causal_) {
    k_ = p.activations.take(N, D_);
    for (Tensor* x : {&rstd_k_, &nearest_k_}) *x = p.activations.take(N, H_);
    places_k_ = p.activations.take(G, H_);
  }
  for (Tensor* x : {&dQc_, &dKc_, &dVc_, &dOc_}) *x = p.gradients.take(G, D_);
  work_ = p.activations.take(9, p.extent.longest);
}

Tiles RoutingAttention::forward(Step& s, Tiles Q, Tiles K, Tiles V) {
  const int64_t N = Q.base.rows, G = rows(s);
  const Tiles q = s.heads(q_.top(N), H_), k = causal_ ? q : s.heads(k_.top(N), H_), O = s.heads(O_.top(N), H_);
  pack_clusters(s.in.packing);
  s.ops.normalise_heads_forward(q, rstd_q_, Q, kNormEpsilon);  // q̂
  s.ops.route(queries(s), nearest_q_, q, centroids_, work_);
  if (!causal_) {
    s.ops.normalise_heads_forward(k, rstd_k_, K, kNormEpsilon);  // k̂
    s.ops.route(keys(s), nearest_k_, k, centroids_, work_);
  }
  s.ops.count_members(counts_.top(N), queries(s));
  s.ops.gather_members(Qc_.top(G), q, queries(s), {});
  s.ops.gather_members(Kc_.top(G), k, keys(s), {});
  s.ops.gather_members(Vc_.top(G), V, keys(s), {});
  s.ops.fused_attention_forward(clustered(Oc_), lse_, clustered(Qc_), clustered(Kc_), clustered(Vc_), weights(s));
  s.ops.scatter_members(O, Oc_.top(G), queries(s), counts_);  // the mean over a query's clusters
  if (s.probe && s.probe->wants(weights_name_)) show_weights(s, O, V);
  return O;
}

void RoutingAttention::backward(Step& s, Tiles dQ, Tiles dK, Tiles dV, Tiles dO) {
  const int64_t N = dO.base.rows, G = rows(s);
  const Tiles q = s.heads(q_.top(N), H_), k = causal_ ? q : s.heads(k_.top(N), H_);
  s.ops.gather_members(dOc_.top(G), dO, queries(s), counts_);
  s.ops.fused_attention_backward(clustered(dQc_), clustered(dKc_), clustered(dVc_), {}, clustered(dOc_), clustered(Oc_), lse_,
                                 clustered(Qc_), clustered(Kc_), clustered(Vc_), weights(s));
  s.ops.scatter_members(dQ, dQc_.top(G), queries(s), {});
  s.ops.scatter_members(dK, dKc_.top(G), keys(s), {});
  s.ops.scatter_members(dV, dVc_.top(G), keys(s), {});
  if (causal_) {
    s.ops.add(dQ.base, dQ.base, dK.base);  // k̂ is q̂
    s.ops.fill(dK.base, 0);
  } else {
    s.ops.normalise_heads_backward(dK, dK, k, rstd_k_);
    s.ops.add_to_centroids(sums_, k, nearest_k_);
  }
  s.ops.normalise_heads_backward(dQ, dQ, q, rstd_q_);
  s.ops.add_to_centroids(sums_, q, nearest_q_);
}

// Rows are counted in the whole batch, in which sequence b has T_b + c of them.
AttentionWeights RoutingAttention::weights(const Step& s) const {
  return {Pattern{.causal = causal_},
          scale_,
          s.training ? rate_ : 0,
          {s.rng.seed, stream_, s.rng.step},
          s.in.first_row + s.in.first_sequence * c_};
}

void RoutingAttention::pack_clusters(const Packing& packing) {
  clusters_.clear();
  for (int64_t b = 0; b < packing.sequences(); ++b) {
    const int64_t T = packing.length(b), w = (T + c_ - 1) / c_;
    for (int64_t m = 0; m < c_; ++m) clusters_.add(w);
    clusters_.add(T + c_ - c_ * w);  // at least 1: rows of zeros that nobody reads
  }
}

// The weights inside the clusters, spread over the sequence, in memory that lives as long as the probe looks.
void RoutingAttention::show_weights(Step& s, Tiles O, Tiles V) const {
  const int64_t size = H_ * s.in.packing.pairs(), inside = H_ * clusters_.pairs();
  const std::unique_ptr<Memory> memory = s.ops.allocate(size), own = s.ops.allocate(inside);
  const Tiles P = s.scores({memory->data, 1, size, size}, H_), Pc = clustered({own->data, 1, inside, inside}, true);
  s.ops.matmul(Pc, clustered(Qc_), clustered(Kc_).T(), scale_);
  s.ops.softmax_forward(Pc, Pc, {.causal = causal_});
  s.ops.scatter_weights(P, Pc, queries(s), keys(s), counts_);
  s.show(weights_name_, P);
  s.ops.matmul(O, P, V);
}

}  // namespace vitrine::inline VITRINE_PRECISION
