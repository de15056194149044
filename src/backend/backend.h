#pragma once
#include <memory>
#include <span>

#include "backend/pattern.h"
#include "base/rng.h"
#include "tensor/packing.h"

namespace vitrine::inline VITRINE_PRECISION {

enum class Write { kSet, kAdd };                                            // y = …   or   y += …
enum class Activation { kGelu, kGeluTanh, kRelu, kSilu, kTanh, kSigmoid };  // gelu is x Φ(x); gelu_tanh its tanh form

// One step of an optimizer, with all that is the same for every parameter (see train/optimizer.h for the formulas).
struct AdamStep {
  Real learning_rate, beta1, beta2, epsilon;
  Real correction1, correction2;  // 1 − β₁ᵗ, 1 − β₂ᵗ
  Real weight_decay;
  bool decoupled;       // AdamW (true) or Adam with ℓ2 in the gradient (false)
  Real gradient_scale;  // the clipping factor
};
struct SgdStep {
  Real learning_rate, momentum, weight_decay, gradient_scale;
};

// How fused attention makes its weights: P = softmax(scale · Q Kᵀ + bias) over the keys that the pattern lets a query see, then dropout
// (rate 0: none) with the masks of dropout of tiles below. `bias` [H, 2W+1], or empty, has one number for each offset: S_ij + bias_h,(W + j − i).
// Where it is −∞, and for |i − j| > W, a query does not see the key, and far ends that are −∞ are not computed. (Of blocks: W ≥ T − 1.)
struct AttentionWeights {
  Pattern pattern;
  Real scale, rate;
  RngKey key;
  int64_t first_row;
  Tensor bias = {};
};

// How linear attention makes its weights: P_ij = φq_i·φk_j / n_i,  n_i = Σ_j φq_i·φk_j + ε over the keys that it may see.
struct KernelWeights {
  bool causal;
  Real epsilon;
  Tensor states;  // memory to work in: at least 2 H m (d + 1) numbers
};

// Which number of a row of R belongs to the pair of query i and key j: the one in column clamp(centre + j − i, 0, columns − 1) of row i.
struct ByOffset {
  int64_t centre;         // the column of offset 0
  bool reversed = false;  // by i − j
  bool of_key = false;    // of row j
};

// What is subtracted from the exponents of random features, so that none overflows: the largest of a row, or of a tile.
enum class Stabiliser { kRow, kTile };

// The members of the c clusters of routing attention, for each head: the places of tokens in their sequence, ascending in a cluster. Sequence
// b, of T tokens, has T + c rows from offset[b] + b·c on: w = ⌈T/c⌉ for each cluster, and −1 in the rest of them.
struct Members {
  Tensor places;  // [N + B·c, H]
  int64_t clusters;
  const Packing* packing;  // of the tokens
};

// Memory where the backend computes, zeroed when allocated, freed with this object.
struct Memory {
  virtual ~Memory() = default;
  Real* data = nullptr;
  int64_t size = 0;
};

// Every primitive the encoder needs, once. Outputs first, then inputs; one rule holds throughout:
// gradients of activations are *set*, gradients of parameters are *added*. Shapes in [·]; N tokens, D width, B sequences, M targets.
// Outputs may not overlap inputs unless "in place" is said. Nothing here checks its arguments: layers do, when they are planned.
class Backend {
 public:
  virtual ~Backend() = default;

  // Memory, and the only four ways for numbers to cross between the host and where the backend computes.
  virtual std::unique_ptr<Memory> allocate(int64_t size) = 0;
  virtual void read(std::span<Real> out, Tensor x) = 0;  // row after row; out.size() = x.size()
  virtual void write(Tensor y, std::span<const Real> in) = 0;
  virtual Indices upload(std::span<const int32_t> host) = 0;  // valid until the next begin_step()
  virtual void begin_step() = 0;

  // y = value                    y = x                    y = a + b  (y may be a or b)          ops/elementwise.{cpp,cu}
  virtual void fill(Tensor y, Real value) = 0;
  virtual void copy(Tensor y, Tensor x) = 0;
  virtual void add(Tensor y, Tensor a, Tensor b) = 0;
  // Σ x², in chunks of fixed size that are summed in order: the same bits wherever it runs
  virtual double sum_squares(Tensor x) = 0;

  // C = scale · op(A) op(B), for one matrix or for all (sequence, head) tiles                   ops/matmul.{cpp,cu}
  virtual void matmul(Tensor c, Operand<Tensor> a, Operand<Tensor> b, Real scale = 1, Write = Write::kSet) = 0;
  virtual void matmul(Tiles c, Operand<Tiles> a, Operand<Tiles> b, Real scale = 1, Write = Write::kSet) = 0;

  // y = x Wᵀ + b, W [out,in]                            db [1,out] += Σ_rows dy                ops/linear.{cpp,cu}
  virtual void linear(Tensor y, Tensor x, Tensor W, Tensor b) = 0;
  virtual void bias_backward(Tensor db, Tensor dy) = 0;

  // y = γ ⊙ x̂ + β,  x̂ = (x − μ) r,  r = 1/√(σ² + ε)     mean, rstd [N,1]                       ops/layer_norm.{cpp,cu}
  virtual void layer_norm_forward(Tensor y, Tensor mean, Tensor rstd, Tensor x, Tensor gamma, Tensor beta, Real epsilon) = 0;
  virtual void layer_norm_backward(Tensor dx, Tensor dgamma, Tensor dbeta, Tensor dy, Tensor x, Tensor mean, Tensor rstd,
                                   Tensor gamma) = 0;

  // y = γ ⊙ x r,  r = 1/√(mean(x²) + ε)                                                        ops/rms_norm.{cpp,cu}
  virtual void rms_norm_forward(Tensor y, Tensor rstd, Tensor x, Tensor gamma, Real epsilon) = 0;
  virtual void rms_norm_backward(Tensor dx, Tensor dgamma, Tensor dy, Tensor x, Tensor rstd, Tensor gamma) = 0;

  // P = softmax(S) over the keys that a row may see (0 elsewhere, and 0 everywhere in a row that sees none), each row of each tile; in place allowed
  // dS = P ⊙ (dP − rowsum(dP ⊙ P)); dS may be dP                                                ops/softmax.{cpp,cu}
  virtual void softmax_forward(Tiles p, Tiles s, const Pattern& pattern) = 0;
  virtual void softmax_backward(Tiles ds, Tiles dp, Tiles p, const Pattern& pattern) = 0;

  // P = softmax over the k largest of the scores that a row may see, of equal ones the first; its backward is that of softmax ops/top_k.{cpp,cu}
  virtual void top_k_forward(Tiles p, Tiles s, int64_t k, const Pattern& pattern) = 0;
  // P = α-entmax(S): p_j = [(α − 1) s_j − τ]₊^(1/(α − 1)), α_h [1,H] in (1, 2]; in place allowed            ops/entmax.{cpp,cu}
  // u = p^(2 − α), dS = u ⊙ (dP − Σ u dP / Σ u), dS may be dP;   dα_h += ∂loss/∂α_h, unless dalpha is empty
  virtual void entmax_forward(Tiles p, Tiles s, Tensor alpha, const Pattern& pattern) = 0;
  virtual void entmax_backward(Tiles ds, Tensor dalpha, Tiles dp, Tiles p, Tensor alpha, const Pattern& pattern) = 0;

  // bias [H, 2W+1] = ln m,  m_o = clamp((R + z_h − |o|)/R, 0, 1) for the offsets o = −W … W; z [1,H], R > 0, W ≥ most + R, z taken in [0, most]
  // dz_h += (Σ_o dbias_o ∂ln m_o/∂z + penalty), except what would push z farther out of [0, most]             ops/span.{cpp,cu}
  virtual void span_forward(Tensor bias, Tensor z, Real most, Real ramp) = 0;
  virtual void span_backward(Tensor dz, Tensor dbias, Tensor z, Real most, Real ramp, Real penalty) = 0;

  // S_ij += R_{r,c},  r and c as `which` says       dR_{r,c} += Σ dS_ij over the pairs that it stands for     ops/by_offset.{cpp,cu}
  // R [T_b, columns]. With stride 0 all rows of all sequences are one: R is [H, columns] in memory, a bias of each head.
  virtual void add_by_offset(Tiles s, Tiles r, ByOffset which) = 0;
  virtual void sum_by_offset(Tiles dr, Tiles ds, ByOffset which) = 0;

  // In place, of row t of each tile: the pair (x_2i, x_2i+1) turns by the angle whose cosine and sine are turns[t, 2i] and
  // turns[t, 2i+1], or back by it; numbers from turns.cols on stay. Its own backward: rotate(dx, turns, !back).   ops/rotate.{cpp,cu}
  virtual void rotate(Tiles x, Tensor turns, bool back) = 0;

  // O = R V, R = dropout(P), a block of weights at a time, and only blocks in which something is seen: no [T,T] is stored, and the
  // work is that of the pattern.  lse [N,H] = log Σ_k e^(s_k), −∞ where nothing is seen              ops/fused_attention.{cpp,cu}
  // dV = Rᵀ dO, dP = dropout(dO Vᵀ), dS = P ⊙ (dP − rowsum(dO ⊙ O)), dQ = scale dS K, dK = scale dSᵀ Q, with P = e^(S − lse);
  // dbias_h,(W + j − i) += dS_ij, unless dbias is empty
  virtual void fused_attention_forward(Tiles o, Tensor lse, Tiles q, Tiles k, Tiles v, const AttentionWeights& how) = 0;
  virtual void fused_attention_backward(Tiles dq, Tiles dk, Tiles dv, Tensor dbias, Tiles dout, Tiles o, Tensor lse, Tiles q,
                                        Tiles k, Tiles v, const AttentionWeights& how) = 0;

  // y = φ(x) = elu(x) + 1: x + 1 above 0, eˣ below                       dx = dy ⊙ min(y, 1), dx may be dy   ops/linear_attention.{cpp,cu}
  virtual void elu_features_forward(Tensor y, Tensor x) = 0;
  virtual void elu_features_backward(Tensor dx, Tensor dy, Tensor y) = 0;
  // O = P V in O(T m d), by (Σ_j φk_j v_jᵀ) [m,d]: no [T,T] is formed. φq, φk are tiles [T,m]; n [N,H]
  // With u_i = dO_i/n_i, g_i = −u_i·O_i and sums over the allowed pairs:
  //   dφq_i = Σ_j (u_i·v_j + g_i) φk_j,   dφk_j = Σ_i (u_i·v_j + g_i) φq_i,   dv_j = Σ_i (φq_i·φk_j) u_i
  virtual void linear_attention_forward(Tiles o, Tensor n, Tiles fq, Tiles fk, Tiles v, const KernelWeights& how) = 0;
  virtual void linear_attention_backward(Tiles dfq, Tiles dfk, Tiles dv, Tiles dout, Tiles o, Tensor n, Tiles fq, Tiles fk,
                                         Tiles v, const KernelWeights& how) = 0;
  // y_r = e^(ω_r·x̃ − |x̃|²/2 − s)/√m, x̃ = scale x: m positive features of a row of x, from ω [H·m,d]; s as `by` says   ops/random_features.{cpp,cu}
  // dx = scale ((dy ⊙ y) ω − rowsum(dy ⊙ y) x̃), with s taken for a constant; dy becomes dy ⊙ y
  virtual void random_features_forward(Tiles y, Tiles x, Tensor omega, Real scale, Stabiliser by) = 0;
  virtual void random_features_backward(Tiles dx, Tiles dy, Tiles y, Tiles x, Tensor omega, Real scale) = 0;
  // P_ij = S_ij / (Σ_j S_ij + ε) over the keys that it may see (0 elsewhere), S ≥ 0, in place allowed      ops/normalise.{cpp,cu}
  virtual void normalise_rows(Tiles p, Tiles s, bool causal, Real epsilon) = 0;

  // y = x̂ = (x − μ) r of each row of each tile; r [N,H]              dx = r (dy − mean(dy) − y mean(dy ⊙ y)), dx may be dy   ops/routing.{cpp,cu}
  virtual void normalise_heads_forward(Tiles y, Tensor rstd, Tiles x, Real epsilon) = 0;
  virtual void normalise_heads_backward(Tiles dx, Tiles dy, Tiles y, Tensor rstd) = 0;
  // Each centroid μ [H·c,d] takes the w rows of x in a tile that are nearest to it, by μ·x − |μ|²/2, equal ones from the front; nearest [N,H] is
  // the centroid nearest to each row. `work`: at least 9 T numbers
  virtual void route(Members members, Tensor nearest, Tiles x, Tensor centroids, Tensor work) = 0;
  // counts [N,H]: how many clusters a token is in
  virtual void count_members(Tensor counts, Members members) = 0;
  // y_g = x_member(g) / count, 0 where there is none        x_i = Σ_{g: member(g) = i} y_g / count; without counts, 1
  virtual void gather_members(Tensor y, Tiles x, Members members, Tensor counts) = 0;
  virtual void scatter_members(Tiles x, Tensor y, Members members, Tensor counts) = 0;
  // P_ij = Σ_clusters P'(i, j) / count_i of the weights P' inside clusters, square tiles over the clusters' packing
  virtual void scatter_weights(Tiles p, Tiles clustered, Members queries, Members keys, Tensor counts) = 0;
  // sums [H·c,d+1] += x_i and 1 in the row of its nearest centroid      μ = decay μ + (1 − decay) sum/number, where there is a number
  virtual void add_to_centroids(Tensor sums, Tiles x, Tensor nearest) = 0;
  virtual void move_centroids(Tensor centroids, Tensor sums, Real decay) = 0;

  // y = f(x), slope = f'(x), slope may be x: one costs little beside the other     dx = dy ⊙ slope, dx may be dy   ops/activation.{cpp,cu}
  virtual void activation_forward(Tensor y, Tensor slope, Tensor x, Activation f) = 0;
  virtual void activation_backward(Tensor dx, Tensor dy, Tensor slope) = 0;
  // y = f(gate) ⊙ up                  dgate = dy ⊙ up ⊙ f'(gate),  dup = dy ⊙ f(gate)          ops/gated.{cpp,cu}
  virtual void gated_forward(Tensor y, Tensor gate, Tensor up, Activation f) = 0;
  virtual void gated_backward(Tensor dgate, Tensor dup, Tensor dy, Tensor gate, Tensor up, Activation f) = 0;

  // y_m = x_{index[m]}  (or +=)       dx_{index[m]} += dy_m, in the order of m                 ops/gather.{cpp,cu}
  virtual void gather(Tensor y, Tensor x, Indices index, Write = Write::kSet) = 0;
  virtual void scatter_add(Tensor dx, Tensor dy, Indices index) = 0;

  // y_b = mean of the rows of sequence b     [B,D] from [N,D]; dx_i = dy_b / T_b                ops/mean_pool.{cpp,cu}
  virtual void mean_pool_forward(Tensor y, Tensor x, const Packing& packing) = 0;
  virtual void mean_pool_backward(Tensor dx, Tensor dy, const Packing& packing) = 0;

  // y = x ⊙ keep / (1 − rate), in place allowed; keep(i, j) = key.word(first_row + i, j) ≥ rate·2³². Its own backward: dropout(dx, dy).
  // Of tiles: head h has the stream key.stream + h, the row is the query's row in the batch, the column the key's position. ops/dropout.{cpp,cu}
  // With `rows`: x is only these of all rows, and keep(m, j) = key.word(first_row + rows[m], j).
  virtual void dropout(Tensor y, Tensor x, Real rate, RngKey key, int64_t first_row) = 0;
  virtual void dropout(Tensor y, Tensor x, Real rate, RngKey key, int64_t first_row, Indices rows) = 0;
  virtual void dropout(Tiles y, Tiles x, Real rate, RngKey key, int64_t first_row) = 0;

  // Of row m of the logits z [M,C], p = softmax(z), lse = log Σ e^z [M,1]:                     ops/cross_entropy.{cpp,cu}
  //   loss_m = −Σ_c a_c log p_c,   a_c = q_c w_c,   q = (1 − smoothing) onehot(t_m) + smoothing/C,   w: class weights [1,C] or empty
  //   dz = scale · ((Σ_c a_c) p − a), may be in place of z.   A target of −1 has loss 0 and gradient 0.
  virtual void cross_entropy_forward(Tensor losses, Tensor lse, Tensor logits, Indices targets, Tensor class_weights,
                                     Real smoothing) = 0;
  virtual void cross_entropy_backward(Tensor dlogits, Tensor logits, Tensor lse, Indices targets, Tensor class_weights,
                                      Real smoothing, Real scale) = 0;

  // Of row m of the logits z and the truth y, both [M,C], y 0 or 1:                            ops/binary_cross_entropy.{cpp,cu}
  //   loss_m = mean_c −(y log σ(z) + (1 − y) log(1 − σ(z))) = mean_c max(z, 0) − z y + log(1 + e^−|z|),   σ(z) = 1/(1 + e^−z)
  //   dz = scale/C · (σ(z) − y), may be in place of z.   A row whose `targets` is negative has loss 0 and gradient 0.
  virtual void binary_cross_entropy_forward(Tensor losses, Tensor logits, Tensor truth, Indices targets) = 0;
  virtual void binary_cross_entropy_backward(Tensor dlogits, Tensor logits, Tensor truth, Indices targets, Real scale) = 0;

  // loss_m = mean_c (z − y)²          dz = 2 scale/C · (z − y), may be in place of z; negative targets as above
  virtual void squared_error_forward(Tensor losses, Tensor predicted, Tensor truth,
                                     Indices targets) = 0;  // ops/squared_error.{cpp,cu}
  virtual void squared_error_backward(Tensor dpredicted, Tensor predicted, Tensor truth, Indices targets, Real scale) = 0;

  // One update of the parameters w [1,n] from the gradients g; m, v, u are the optimizer's state  ops/optimizer.{cpp,cu}
  virtual void adam(Tensor w, Tensor m, Tensor v, Tensor g, const AdamStep& step) = 0;
  virtual void sgd(Tensor w, Tensor u, Tensor g, const SgdStep& step) = 0;
};

}  // namespace vitrine::inline VITRINE_PRECISION
