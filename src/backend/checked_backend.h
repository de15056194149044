#pragma once
#include <initializer_list>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "backend/cpu_backend.h"

namespace vitrine::inline VITRINE_PRECISION {

// Does what another backend does, and lets the CPU do it too, on the same numbers: for finding the kernel that is wrong. Where a result is not
// finite and the CPU's is, or the two part by more than rounding, Error{kDevice} names the primitive and the place. Results are those of the other
// backend, to the bit. The host must be able to read its memory (DeviceSettings::host_visible). Slow: everything is copied twice.
class CheckedBackend final : public Backend {
 public:
  explicit CheckedBackend(std::unique_ptr<Backend> inner) : inner_(std::move(inner)) {}

  std::unique_ptr<Memory> allocate(int64_t size) override { return inner_->allocate(size); }
  void read(std::span<Real> out, Tensor x) override { inner_->read(out, x); }
  void write(Tensor y, std::span<const Real> in) override { inner_->write(y, in); }
  Indices upload(std::span<const int32_t> host) override;
  void begin_step() override;

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
  struct Output {
    const char* name;
    Tensor at;
    double size = 0;  // of the numbers whose rounding it shows, where they may be larger than it
  };
  // call(backend) on the CPU and on the other backend, from the same contents of the outputs, which are compared.
  template <class F>
  void both(std::string_view primitive, std::initializer_list<Output> outputs, F call);
  Indices on(const Backend& ops, Indices index) const { return {&ops == &cpu_ ? host_.at(index.data) : index.data, index.size}; }

  std::unique_ptr<Backend> inner_;
  CpuBackend cpu_;
  std::unordered_map<const int32_t*, const int32_t*> host_;  // of uploads: the CPU's copy
  std::vector<Real> before_, want_, got_;
};

}  // namespace vitrine::inline VITRINE_PRECISION
