#include "backend/profiling_backend.h"

#include <time.h>

#include <algorithm>

namespace vitrine::inline VITRINE_PRECISION {
namespace {

double thread_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

double count(Tensor x) { return double(x.size()); }
// Pairs that see each other in all square tiles.
double count_pairs(const Tiles& tiles, const Pattern& pattern = {}) {
  double pairs = 0;
  each_tile(tiles, [&](int64_t b, int64_t h) { pairs += double(pattern.pairs(h, tiles.packing->length(b))); });
  return pairs;
}
double count(const Tiles& tiles) { return tiles.square ? count_pairs(tiles) : count(tiles.base); }

double flops_of(Activation f) { return f == Activation::kRelu ? 1 : kFlopsOfExp + 15; }  // and about as many around it
constexpr double kFlopsOfPhilox = 40;  // whole-number ones, for each number of a quad

}  // namespace

template <class F>
void ProfilingBackend::time(std::string_view name, Work work, F call) {
  auto op = std::find_if(profile_.begin(), profile_.end(), [&](const OpProfile& p) { return p.name == name; });
  if (op == profile_.end()) op = profile_.insert(op, OpProfile{std::string(name)});
  const double start = thread_seconds();
  call();
  op->seconds += thread_seconds() - start;
  ++op->calls;
  op->flops += work.flops;
  op->bytes += work.numbers * double(sizeof(Real));
}

void ProfilingBackend::fill(Tensor y, Real value) {
  time("fill", {0, count(y)}, [&] { inner_->fill(y, value); });
}

void ProfilingBackend::copy(Tensor y, Tensor x) {
  time("copy", {0, 2 * count(y)}, [&] { inner_->copy(y, x); });
}

void ProfilingBackend::add(Tensor y, Tensor a, Tensor b) {
  time("add", {count(y), 3 * count(y)}, [&] { inner_->add(y, a, b); });
}

double ProfilingBackend::sum_squares(Tensor x) {
  double sum = 0;
  time("sum_squares", {2 * count(x), count(x)}, [&] { sum = inner_->sum_squares(x); });
  return sum;
}

void ProfilingBackend::matmul(Tensor c, Operand<Tensor> a, Operand<Tensor> b, Real scale, Write write) {
  const double K = double(a.transposed ? a.view.rows : a.view.cols);
  const double moved = count(a.view) + count(b.view) + count(c) * (write == Write::kAdd ? 2 : 1);
  time("matmul", {2 * count(c) * K, moved}, [&] { inner_->matmul(c, a, b, scale, write); });
}

void ProfilingBackend::matmul(Tiles c, Operand<Tiles> a, Operand<Tiles> b, Real scale, Write write) {
  const Tiles& wide = c.square ? a.view : c;  // [T,d] of the three matrices: Σ_b H T² d = (Σ_b H T²) · d
  const double d = double(wide.base.cols / wide.heads), pairs = count_pairs(c);
  const double moved = count(a.view) + count(b.view) + count(c) * (write == Write::kAdd ? 2 : 1);
  time("matmul of tiles", {2 * pairs * d, moved}, [&] { inner_->matmul(c, a, b, scale, write); });
}

void ProfilingBackend::linear(Tensor y, Tensor x, Tensor W, Tensor b) {
  const Work work{(2 * double(x.cols) + 1) * count(y), count(x) + count(W) + count(b) + count(y)};
  time("linear", work, [&] { inner_->linear(y, x, W, b); });
}

void ProfilingBackend::bias_backward(Tensor db, Tensor dy) {
  time("bias_backward", {count(dy), count(dy)}, [&] { inner_->bias_backward(db, dy); });
}

void ProfilingBackend::layer_norm_forward(Tensor y, Tensor mean, Tensor rstd, Tensor x, Tensor gamma, Tensor beta, Real epsilon) {
  time("layer_norm_forward", {8 * count(x), 2 * count(x)},
       [&] { inner_->layer_norm_forward(y, mean, rstd, x, gamma, beta, epsilon); });
}

void ProfilingBackend::layer_norm_backward(Tensor dx, Tensor dgamma, Tensor dbeta, Tensor dy, Tensor x, Tensor mean, Tensor rstd,
                                           Tensor gamma) {
  time("layer_norm_backward", {15 * count(x), 3 * count(x)},
       [&] { inner_->layer_norm_backward(dx, dgamma, dbeta, dy, x, mean, rstd, gamma); });
}

void ProfilingBackend::rms_norm_forward(Tensor y, Tensor rstd, Tensor x, Tensor gamma, Real epsilon) {
  time("rms_norm_forward", {4 * count(x), 2 * count(x)}, [&] { inner_->rms_norm_forward(y, rstd, x, gamma, epsilon); });
}

void ProfilingBackend::rms_norm_backward(Tensor dx, Tensor dgamma, Tensor dy, Tensor x, Tensor rstd, Tensor gamma) {
  time("rms_norm_backward", {11 * count(x), 3 * count(x)}, [&] { inner_->rms_norm_backward(dx, dgamma, dy, x, rstd, gamma); });
}

void ProfilingBackend::softmax_forward(Tiles p, Tiles s, const Pattern& pattern) {
  time("softmax_forward", {(kFlopsOfExp + 4) * count_pairs(p, pattern), 2 * count(p)},
       [&] { inner_->softmax_forward(p, s, pattern); });
}

void ProfilingBackend::softmax_backward(Tiles ds, Tiles dp, Tiles p, const Pattern& pattern) {
  time("softmax_backward", {4 * count_pairs(p, pattern), 3 * count(p)}, [&] { inner_->softmax_backward(ds, dp, p, pattern); });
}

// A pass that counts for each bit of a number, in the worst case.
void ProfilingBackend::top_k_forward(Tiles p, Tiles s, int64_t k, const Pattern& pattern) {
  time("top_k_forward", {(kFlopsOfExp + 4 + 8 * sizeof(Real)) * count_pairs(p, pattern), 2 * count(p)},
       [&] { inner_->top_k_forward(p, s, k, pattern); });
}

// Some eight steps of Newton's method.
void ProfilingBackend::entmax_forward(Tiles p, Tiles s, Tensor alpha, const Pattern& pattern) {
  time("entmax_forward", {8 * (kFlopsOfExp + 4) * count_pairs(p, pattern), 2 * count(p)},
       [&] { inner_->entmax_forward(p, s, alpha, pattern); });
}

void ProfilingBackend::entmax_backward(Tiles ds, Tensor dalpha, Tiles dp, Tiles p, Tensor alpha, const Pattern& pattern) {
  time("entmax_backward", {(kFlopsOfExp + 8) * count_pairs(p, pattern), 3 * count(p)},
       [&] { inner_->entmax_backward(ds, dalpha, dp, p, alpha, pattern); });
}

void ProfilingBackend::span_forward(Tensor bias, Tensor z, Real most, Real ramp) {
  time("span_forward", {kFlopsOfExp * count(bias), count(bias)}, [&] { inner_->span_forward(bias, z, most, ramp); });
}

void ProfilingBackend::span_backward(Tensor dz, Tensor dbias, Tensor z, Real most, Real ramp, Real penalty) {
  time("span_backward", {5 * count(dbias), count(dbias)}, [&] { inner_->span_backward(dz, dbias, z, most, ramp, penalty); });
}

void ProfilingBackend::add_by_offset(Tiles s, Tiles r, ByOffset which) {
  time("add_by_offset", {count(s), 2 * count(s) + count(r.base)}, [&] { inner_->add_by_offset(s, r, which); });
}

void ProfilingBackend::sum_by_offset(Tiles dr, Tiles ds, ByOffset which) {
  time("sum_by_offset", {count(ds), count(ds) + count(dr.base)}, [&] { inner_->sum_by_offset(dr, ds, which); });
}

void ProfilingBackend::rotate(Tiles x, Tensor turns, bool back) {
  const double turned = double(x.packing->tokens() * x.heads * turns.cols);
  time("rotate", {3 * turned, 2 * turned}, [&] { inner_->rotate(x, turns, back); });
}

// Two products forward; five backward, with the exponentials once more.
void ProfilingBackend::fused_attention_forward(Tiles o, Tensor lse, Tiles q, Tiles k, Tiles v, const AttentionWeights& how) {
  const double d = double(q.base.cols / q.heads), random = how.rate > 0 ? kFlopsOfPhilox : 0;
  const Work work{count_pairs(q, how.pattern) * (4 * d + kFlopsOfExp + 4 + random), 4 * count(q.base)};
  time("fused_attention_forward", work, [&] { inner_->fused_attention_forward(o, lse, q, k, v, how); });
}

void ProfilingBackend::fused_attention_backward(Tiles dq, Tiles dk, Tiles dv, Tensor dbias, Tiles dout, Tiles o, Tensor lse,
                                                Tiles q, Tiles k, Tiles v, const AttentionWeights& how) {
  const double d = double(q.base.cols / q.heads), random = how.rate > 0 ? kFlopsOfPhilox : 0;
  const Work work{count_pairs(q, how.pattern) * (10 * d + kFlopsOfExp + 4 + random), 8 * count(q.base)};
  time("fused_attention_backward", work,
       [&] { inner_->fused_attention_backward(dq, dk, dv, dbias, dout, o, lse, q, k, v, how); });
}

void ProfilingBackend::elu_features_forward(Tensor y, Tensor x) {
  time("elu_features_forward", {(kFlopsOfExp + 2) * count(y), 2 * count(y)}, [&] { inner_->elu_features_forward(y, x); });
}

void ProfilingBackend::elu_features_backward(Tensor dx, Tensor dy, Tensor y) {
  time("elu_features_backward", {2 * count(dx), 3 * count(dx)}, [&] { inner_->elu_features_backward(dx, dy, y); });
}

// Two products [N,m] × [m,d] forward, five backward; what a causal form does inside its chunks is not counted.
void ProfilingBackend::linear_attention_forward(Tiles o, Tensor n, Tiles fq, Tiles fk, Tiles v, const KernelWeights& how) {
  const double d = double(v.base.cols / v.heads);
  time("linear_attention_forward", {4 * d * count(fq), 2 * (count(fq) + count(v))},
       [&] { inner_->linear_attention_forward(o, n, fq, fk, v, how); });
}

void ProfilingBackend::linear_attention_backward(Tiles dfq, Tiles dfk, Tiles dv, Tiles dout, Tiles o, Tensor n, Tiles fq,
                                                 Tiles fk, Tiles v, const KernelWeights& how) {
  const double d = double(v.base.cols / v.heads);
  time("linear_attention_backward", {10 * d * count(fq), 4 * (count(fq) + count(v))},
       [&] { inner_->linear_attention_backward(dfq, dfk, dv, dout, o, n, fq, fk, v, how); });
}

void ProfilingBackend::normalise_rows(Tiles p, Tiles s, bool causal, Real epsilon) {
  time("normalise_rows", {2 * count_pairs(p, {.causal = causal}), 2 * count(p)},
       [&] { inner_->normalise_rows(p, s, causal, epsilon); });
}

void ProfilingBackend::random_features_forward(Tiles y, Tiles x, Tensor omega, Real scale, Stabiliser by) {
  const double d = double(x.base.cols / x.heads);
  time("random_features_forward", {(2 * d + kFlopsOfExp + 3) * count(y), count(y) + count(x) + count(omega)},
       [&] { inner_->random_features_forward(y, x, omega, scale, by); });
}

void ProfilingBackend::random_features_backward(Tiles dx, Tiles dy, Tiles y, Tiles x, Tensor omega, Real scale) {
  const double d = double(x.base.cols / x.heads);
  time("random_features_backward", {(2 * d + 2) * count(y), 3 * count(y) + 2 * count(x) + count(omega)},
       [&] { inner_->random_features_backward(dx, dy, y, x, omega, scale); });
}

void ProfilingBackend::normalise_heads_forward(Tiles y, Tensor rstd, Tiles x, Real epsilon) {
  time("normalise_heads_forward", {6 * count(x), 2 * count(x)}, [&] { inner_->normalise_heads_forward(y, rstd, x, epsilon); });
}

void ProfilingBackend::normalise_heads_backward(Tiles dx, Tiles dy, Tiles y, Tensor rstd) {
  time("normalise_heads_backward", {8 * count(dx), 3 * count(dx)}, [&] { inner_->normalise_heads_backward(dx, dy, y, rstd); });
}

// A product [N,d] × [d,c] in each head, and c selections among T.
void ProfilingBackend::route(Members members, Tensor nearest, Tiles x, Tensor centroids, Tensor work) {
  const double c = double(members.clusters);
  time("route", {(2 * c + 2) * count(x), count(x) + 3 * c * count(nearest)},
       [&] { inner_->route(members, nearest, x, centroids, work); });
}

void ProfilingBackend::count_members(Tensor counts, Members members) {
  time("count_members", {count(members.places), 2 * count(members.places)}, [&] { inner_->count_members(counts, members); });
}

void ProfilingBackend::gather_members(Tensor y, Tiles x, Members members, Tensor counts) {
  time("gather_members", {count(y), 2 * count(y)}, [&] { inner_->gather_members(y, x, members, counts); });
}

void ProfilingBackend::scatter_members(Tiles x, Tensor y, Members members, Tensor counts) {
  time("scatter_members", {2 * count(y), 3 * count(y)}, [&] { inner_->scatter_members(x, y, members, counts); });
}

void ProfilingBackend::scatter_weights(Tiles p, Tiles clustered, Members queries, Members keys, Tensor counts) {
  time("scatter_weights", {2 * count(clustered), count(p) + 3 * count(clustered)},
       [&] { inner_->scatter_weights(p, clustered, queries, keys, counts); });
}

void ProfilingBackend::add_to_centroids(Tensor sums, Tiles x, Tensor nearest) {
  time("add_to_centroids", {count(x), 3 * count(x)}, [&] { inner_->add_to_centroids(sums, x, nearest); });
}

void ProfilingBackend::move_centroids(Tensor centroids, Tensor sums, Real decay) {
  time("move_centroids", {3 * count(centroids), 3 * count(centroids)}, [&] { inner_->move_centroids(centroids, sums, decay); });
}

void ProfilingBackend::activation_forward(Tensor y, Tensor slope, Tensor x, Activation f) {
  time("activation_forward", {flops_of(f) * count(x), 3 * count(x)}, [&] { inner_->activation_forward(y, slope, x, f); });
}

void ProfilingBackend::activation_backward(Tensor dx, Tensor dy, Tensor slope) {
  time("activation_backward", {count(dx), 3 * count(dx)}, [&] { inner_->activation_backward(dx, dy, slope); });
}

void ProfilingBackend::gated_forward(Tensor y, Tensor gate, Tensor up, Activation f) {
  time("gated_forward", {(flops_of(f) + 1) * count(y), 3 * count(y)}, [&] { inner_->gated_forward(y, gate, up, f); });
}

void ProfilingBackend::gated_backward(Tensor dgate, Tensor dup, Tensor dy, Tensor gate, Tensor up, Activation f) {
  time("gated_backward", {(flops_of(f) + 3) * count(dy), 5 * count(dy)},
       [&] { inner_->gated_backward(dgate, dup, dy, gate, up, f); });
}

void ProfilingBackend::gather(Tensor y, Tensor x, Indices index, Write write) {
  const double n = double(index.size * y.cols), adds = write == Write::kAdd ? 1 : 0;
  time("gather", {adds * n, (2 + adds) * n}, [&] { inner_->gather(y, x, index, write); });
}

void ProfilingBackend::scatter_add(Tensor dx, Tensor dy, Indices index) {
  const double n = double(index.size * dy.cols);
  time("scatter_add", {n, 3 * n}, [&] { inner_->scatter_add(dx, dy, index); });
}

void ProfilingBackend::mean_pool_forward(Tensor y, Tensor x, const Packing& packing) {
  time("mean_pool_forward", {count(x), count(x)}, [&] { inner_->mean_pool_forward(y, x, packing); });
}

void ProfilingBackend::mean_pool_backward(Tensor dx, Tensor dy, const Packing& packing) {
  time("mean_pool_backward", {count(dx), count(dx)}, [&] { inner_->mean_pool_backward(dx, dy, packing); });
}

void ProfilingBackend::dropout(Tensor y, Tensor x, Real rate, RngKey key, int64_t first_row) {
  time("dropout", {kFlopsOfPhilox * count(y), 2 * count(y)}, [&] { inner_->dropout(y, x, rate, key, first_row); });
}

void ProfilingBackend::dropout(Tensor y, Tensor x, Real rate, RngKey key, int64_t first_row, Indices rows) {
  time("dropout", {kFlopsOfPhilox * count(y), 2 * count(y)}, [&] { inner_->dropout(y, x, rate, key, first_row, rows); });
}

void ProfilingBackend::dropout(Tiles y, Tiles x, Real rate, RngKey key, int64_t first_row) {
  time("dropout of tiles", {kFlopsOfPhilox * count(y), 2 * count(y)}, [&] { inner_->dropout(y, x, rate, key, first_row); });
}

void ProfilingBackend::cross_entropy_forward(Tensor losses, Tensor lse, Tensor logits, Indices targets, Tensor class_weights,
                                             Real smoothing) {
  time("cross_entropy_forward", {(kFlopsOfExp + 3) * count(logits), count(logits)},
       [&] { inner_->cross_entropy_forward(losses, lse, logits, targets, class_weights, smoothing); });
}

void ProfilingBackend::cross_entropy_backward(Tensor dlogits, Tensor logits, Tensor lse, Indices targets, Tensor class_weights,
                                              Real smoothing, Real scale) {
  time("cross_entropy_backward", {(kFlopsOfExp + 2) * count(logits), 2 * count(logits)},
       [&] { inner_->cross_entropy_backward(dlogits, logits, lse, targets, class_weights, smoothing, scale); });
}

void ProfilingBackend::binary_cross_entropy_forward(Tensor losses, Tensor logits, Tensor truth, Indices targets) {
  time("binary_cross_entropy_forward", {(2 * kFlopsOfExp + 5) * count(logits), 2 * count(logits)},
       [&] { inner_->binary_cross_entropy_forward(losses, logits, truth, targets); });
}

void ProfilingBackend::binary_cross_entropy_backward(Tensor dlogits, Tensor logits, Tensor truth, Indices targets, Real scale) {
  time("binary_cross_entropy_backward", {(kFlopsOfExp + 4) * count(logits), 3 * count(logits)},
       [&] { inner_->binary_cross_entropy_backward(dlogits, logits, truth, targets, scale); });
}

void ProfilingBackend::squared_error_forward(Tensor losses, Tensor predicted, Tensor truth, Indices targets) {
  time("squared_error_forward", {3 * count(predicted), 2 * count(predicted)},
       [&] { inner_->squared_error_forward(losses, predicted, truth, targets); });
}

void ProfilingBackend::squared_error_backward(Tensor dpredicted, Tensor predicted, Tensor truth, Indices targets, Real scale) {
  time("squared_error_backward", {2 * count(predicted), 3 * count(predicted)},
       [&] { inner_->squared_error_backward(dpredicted, predicted, truth, targets, scale); });
}

void ProfilingBackend::adam(Tensor w, Tensor m, Tensor v, Tensor g, const AdamStep& step) {
  time("adam", {15 * count(w), 7 * count(w)}, [&] { inner_->adam(w, m, v, g, step); });
}

void ProfilingBackend::sgd(Tensor w, Tensor u, Tensor g, const SgdStep& step) {
  time("sgd", {6 * count(w), 5 * count(w)}, [&] { inner_->sgd(w, u, g, step); });
}

}  // namespace vitrine::inline VITRINE_PRECISION
