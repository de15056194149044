#pragma once
#include <vector>

#include "backend/backend.h"
#include "backend/ops/packed_product.h"

namespace vitrine::inline VITRINE_PRECISION {

// The primitives on the CPU. A lane has a backend of its own and runs on one thread, so nothing here is shared or locked.
// Formulas and contracts stand in backend.h; each body stands in ops/, forward and backward side by side.
class CpuBackend : public Backend {
 public:
  std::unique_ptr<Memory> allocate(int64_t size) override;
  void read(std::span<Real> out, Tensor x) override;
  void write(Tensor y, std::span<const Real> in) override;
  Indices upload(std::span<const int32_t> host) override;
  void begin_step() override { block_ = 0, used_ = 0; }

  void fill(Tensor y, Real value) override;
  void copy(Tensor y, Tensor x) override;
  void add(Tensor y, Tensor a, Tensor b) override;
  double sum_squares(Tensor x) override;

  void matmul(Tensor c, Operand<Tensor> a, Operand<Tensor> b, Real scale, Write write) override;
  void matmul(Tiles c, Operand<Tiles> a, Operand<Tiles> b, Real scale, Write write) override;

  void linear(Tensor y, Tensor x, Tensor W, Tensor b) override;
  void bias_backward(Tensor db, Tensor dy) override;

  void layer_norm_forward(Tensor y, Tensor mean, Tensor rstd, Tensor x, Tensor gamma, Tensor beta, Real epsilon) override;
  void layer_norm_backward(Tensor dx, Tensor dgamma, Tensor dbeta, Tensor dy, Tensor x, Tensor mean, Tensor rstd,
                           Tensor gamma) override;
  void rms_norm_forward(Tensor y, Tensor rstd, Tensor x, Tensor gamma, Real epsilon) override;
  void rms_norm_backward(Tensor dx, Tensor dgamma, Tensor dy, Tensor x, Tensor rstd, Tensor gamma) override;

  void softmax_forward(Tiles p, Tiles s, const Pattern& pattern) override;
  void softmax_backward(Tiles ds, Tiles dp, Tiles p, const Pattern& pattern) override;

  void top_k_forward(Tiles p, Tiles s, int64_t k, const Pattern& pattern) override;
  void entmax_forward(Tiles p, Tiles s, Tensor alpha, const Pattern& pattern) override;
  void entmax_backward(Tiles ds, Tensor dalpha, Tiles dp, Tiles p, Tensor alpha, const Pattern& pattern) override;
  void span_forward(Tensor bias, Tensor z, Real most, Real ramp) override;
  void span_backward(Tensor dz, Tensor dbias, Tensor z, Real most, Real ramp, Real penalty) override;
  void add_by_offset(Tiles s, Tiles r, ByOffset which) override;
  void sum_by_offset(Tiles dr, Tiles ds, ByOffset which) override;
  void rotate(Tiles x, Tensor turns, bool back) override;

  void fused_attention_forward(Tiles o, Tensor lse, Tiles q, Tiles k, Tiles v, const AttentionWeights& how) override;
  void fused_attention_backward(Tiles dq, Tiles dk, Tiles dv, Tensor dbias, Tiles dout, Tiles o, Tensor lse, Tiles q, Tiles k,
                                Tiles v, const AttentionWeights& how) override;

  void elu_features_forward(Tensor y, Tensor x) override;
  void elu_features_backward(Tensor dx, Tensor dy, Tensor y) override;
  void linear_attention_forward(Tiles o, Tensor n, Tiles fq, Tiles fk, Tiles v, const KernelWeights& how) override;
  void linear_attention_backward(Tiles dfq, Tiles dfk, Tiles dv, Tiles dout, Tiles o, Tensor n, Tiles fq, Tiles fk, Tiles v,
                                 const KernelWeights& how) override;
  void normalise_rows(Tiles p, Tiles s, bool causal, Real epsilon) override;
  void random_features_forward(Tiles y, Tiles x, Tensor omega, Real scale, Stabiliser by) override;
  void random_features_backward(Tiles dx, Tiles dy, Tiles y, Tiles x, Tensor omega, Real scale) override;
  void normalise_heads_forward(Tiles y, Tensor rstd, Tiles x, Real epsilon) override;
  void normalise_heads_backward(Tiles dx, Tiles dy, Tiles y, Tensor rstd) override;
  void route(Members members, Tensor nearest, Tiles x, Tensor centroids, Tensor work) override;
  void count_members(Tensor counts, Members members) override;
  void gather_members(Tensor y, Tiles x, Members members, Tensor counts) override;
  void scatter_members(Tiles x, Tensor y, Members members, Tensor counts) override;
  void scatter_weights(Tiles p, Tiles clustered, Members queries, Members keys, Tensor counts) override;
  void add_to_centroids(Tensor sums, Tiles x, Tensor nearest) override;
  void move_centroids(Tensor centroids, Tensor sums, Real decay) override;

  void activation_forward(Tensor y, Tensor slope, Tensor x, Activation f) override;
  void activation_backward(Tensor dx, Tensor dy, Tensor slope) override;
  void gated_forward(Tensor y, Tensor gate, Tensor up, Activation f) override;
  void gated_backward(Tensor dgate, Tensor dup, Tensor dy, Tensor gate, Tensor up, Activation f) override;

  void gather(Tensor y, Tensor x, Indices index, Write write) override;
  void scatter_add(Tensor dx, Tensor dy, Indices index) override;
  void mean_pool_forward(Tensor y, Tensor x, const Packing& packing) override;
  void mean_pool_backward(Tensor dx, Tensor dy, const Packing& packing) override;

  void dropout(Tensor y, Tensor x, Real rate, RngKey key, int64_t first_row) override;
  void dropout(Tensor y, Tensor x, Real rate, RngKey key, int64_t first_row, Indices rows) override;
  void dropout(Tiles y, Tiles x, Real rate, RngKey key, int64_t first_row) override;

  void cross_entropy_forward(Tensor losses, Tensor lse, Tensor logits, Indices targets, Tensor class_weights,
                             Real smoothing) override;
  void cross_entropy_backward(Tensor dlogits, Tensor logits, Tensor lse, Indices targets, Tensor class_weights, Real smoothing,
                              Real scale) override;

  void binary_cross_entropy_forward(Tensor losses, Tensor logits, Tensor truth, Indices targets) override;
  void binary_cross_entropy_backward(Tensor dlogits, Tensor logits, Tensor truth, Indices targets, Real scale) override;
  void squared_error_forward(Tensor losses, Tensor predicted, Tensor truth, Indices targets) override;
  void squared_error_backward(Tensor dpredicted, Tensor predicted, Tensor truth, Indices targets, Real scale) override;

  void adam(Tensor w, Tensor m, Tensor v, Tensor g, const AdamStep& step) override;
  void sgd(Tensor w, Tensor u, Tensor g, const SgdStep& step) override;

 private:
  static constexpr int64_t kScratch = 1 << 17;

  // What upload() hands out, block after block; kept from step to step, so that a step of known size allocates nothing.
  std::vector<std::vector<int32_t>> blocks_;
  size_t block_ = 0, used_ = 0;
  std::vector<int32_t> order_;  // of routing
  PackedProduct product_;
  std::unique_ptr<Memory> scratch_ = allocate(kScratch);               // of attention; not touched until it is used
  std::vector<Keys> keys_ = std::vector<Keys>(64), row_keys_ = keys_;  // what some rows see, and one of them

  template <class F>
  void each_row(Tiles tiles, const Pattern& pattern, F f);  // ops/each_row.h
  template <class F>
  void each_block(const Pattern& pattern, int64_t h, int64_t first, int64_t rows, int64_t T, F f);  // ops/fused_attention.cpp

  // C = scale · op(A) op(B) + bias in every row, unless it is null;   or   C += scale · op(A) op(B)               ops/matmul.cpp
  void product(Tensor c, Operand<Tensor> a, Operand<Tensor> b, Real scale, Write write, const Real* bias);
};

std::unique_ptr<Backend> make_cpu_backend();

}  // namespace vitrine::inline VITRINE_PRECISION
