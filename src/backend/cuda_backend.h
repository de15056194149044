#pragma once
#include <cublas_v2.h>
#include <cuda_runtime.h>

#include <vector>

#include "backend/backend.h"
#include "backend/uploads.h"

namespace vitrine::inline VITRINE_PRECISION {

// A packing where kernels can read it.
struct DevicePacking {
  const int64_t *offset, *pair_offset;     // [B+1], as in Packing
  const int32_t* sequence;                 // [N]: in which sequence a row is
  int64_t sequences, tokens, longest = 0;  // B, N, the largest T
  bool equal = false;                      // every T is the longest
};

// A pattern where kernels can read it. Of blocks: group[r] says with which rows row r shares its keys, and the keys of group g in head h
// are list[first[h · groups + g]] … list[first[h · groups + g + 1] − 1].
struct DevicePattern {
  Pattern pattern;
  const Keys* list = nullptr;
  const int32_t *first = nullptr, *group = nullptr;
  int64_t groups = 0;
};

// The places of equal indices, ascending: order[start[s]] … order[start[s + 1] − 1] have the same index.
struct Segments {
  const int32_t *order, *start;
  int64_t count;
};

// The primitives by CUDA kernels and cuBLAS, in the order of one stream; only sum_squares() and read() wait for the device. Formulas and contracts stand in
// backend.h; each body stands in ops/, beside that of the CPU. Everything is deterministic: no atomics, and sums have a fixed order.
class CudaBackend final : public Backend {
 public:
  // host_visible: what allocate() gives can be read and written by the host too, which is slow and for tests. tf32: products may round their factors
  // to 10 bits, for tensor cores.
  explicit CudaBackend(bool host_visible = false, bool tf32 = false);
  ~CudaBackend() override;

  std::unique_ptr<Memory> allocate(int64_t size) override;
  void read(std::span<Real> out, Tensor x) override;
  void write(Tensor y, std::span<const Real> in) override;
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
  bool host_visible_;
  cudaStream_t stream_ = nullptr;
  cublasHandle_t blas_ = nullptr;
  std::unique_ptr<Memory> scratch_, blas_workspace_;
  std::vector<double> sums_;  // of sum_squares, on the host

  // What was uploaded in this step for a packing, for a pattern in it, for scattering by some indices.
  struct KnownPacking {
    Packing host;
    DevicePacking device;
  };
  struct KnownPattern {
    const int64_t* offset;  // of the packing
    int64_t heads;
    Pattern host;
    DevicePattern device;
  };
  struct KnownSegments {
    Indices index;
    Segments device;
  };
  std::unique_ptr<Uploads> uploads_;
  std::vector<KnownPacking> packings_;
  size_t packings_used_ = 0;  // the others keep their memory
  std::vector<KnownPattern> patterns_;
  std::vector<KnownSegments> segments_;
  std::vector<int32_t> host_numbers_;
  std::vector<uint64_t> host_order_;
  std::vector<Keys> host_keys_, host_list_;

  Real* scratch(int64_t size);  // memory to work in until the next call
  const DevicePacking& on_device(const Packing& packing);
  const DevicePattern& on_device(const Pattern& pattern, const Tiles& tiles);
  Segments segments(Indices index);

  void product(Tensor c, Operand<Tensor> a, Operand<Tensor> b, Real scale, Real keep);  // C = scale · op(A) op(B) + keep · C
};

std::unique_ptr<Backend> make_cuda_backend(bool host_visible = false, bool tf32 = false);

}  // namespace vitrine::inline VITRINE_PRECISION
