#include "backend/checked_backend.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

// Sums in another order part by about the root of their length in rounding errors; what is wrong parts by far more.
constexpr double kRounding = sizeof(Real) == sizeof(float) ? 1e-4 : 1e-11;

Tensor numbers(const Tiles& x) {
  if (x.square) return {x.base.data, 1, x.heads * x.packing->pairs(), x.heads * x.packing->pairs()};
  return x.base.stride == 0 ? x.base.top(1) : x.base.top(x.packing->tokens());
}

double most(std::span<const Real> x) {
  double most = 0;
  for (const Real v : x)
    if (std::isfinite(v)) most = std::max(most, std::fabs(double(v)));
  return most;
}
// The largest |x|. The host can read it where it is, after what both() has waited for.
double most(Tensor x) {
  double largest = 0;
  for (int64_t i = 0; i < x.rows; ++i) largest = std::max(largest, most(std::span(x.row(i), size_t(x.cols))));
  return largest;
}
double most(const Tiles& x) { return most(numbers(x)); }

}  // namespace

template <class F>
void CheckedBackend::both(std::string_view primitive, std::initializer_list<Output> outputs, F call) {
  size_t size = 0;
  for (const Output& y : outputs) size += size_t(y.at.size());
  const auto each_output = [&](std::vector<Real>& numbers, auto f) {
    numbers.resize(size);
    std::span<Real> rest = numbers;
    for (const Output& y : outputs) f(y, rest.first(size_t(y.at.size()))), rest = rest.subspan(size_t(y.at.size()));
  };
  const auto read = [&](const Output& y, std::span<Real> into) { inner_->read(into, y.at); };
  each_output(before_, read);
  call(static_cast<Backend&>(cpu_));
  each_output(want_, read);
  each_output(before_, [&](const Output& y, std::span<Real> from) { inner_->write(y.at, from); });
  call(*inner_);
  each_output(got_, read);
  const Real* want = want_.data();
  each_output(got_, [&](const Output& y, std::span<Real> got) {
    const double bound = kRounding * std::max(y.size, most(std::span(want, got.size())));
    for (size_t k = 0; k < got.size(); ++k) {
      const double a = double(got[k]), b = double(want[k]);
      if (a == b || (std::isnan(a) && std::isnan(b)) || std::fabs(a - b) <= bound) continue;
      fail(ErrorKind::kDevice,
           "run.checked: {}: {}[{},{}] is {:.7g}, and {:.7g} on the CPU\nhelp: what is right stands in backend.h; the kernel, in "
           "src/backend/ops",
           primitive, y.name, int64_t(k) / y.at.cols, int64_t(k) % y.at.cols, a, b);
    }
    want += got.size();
  });
}

Indices CheckedBackend::upload(std::span<const int32_t> host) {
  const Indices index = inner_->upload(host);
  host_[index.data] = cpu_.upload(host).data;
  return index;
}

void CheckedBackend::begin_step() {
  inner_->begin_step(), cpu_.begin_step();
  host_.clear();
}

void CheckedBackend::fill(Tensor y, Real value) {
  both("fill", {{"y", y}}, [&](Backend& ops) { ops.fill(y, value); });
}

void CheckedBackend::copy(Tensor y, Tensor x) {
  both("copy", {{"y", y}}, [&](Backend& ops) { ops.copy(y, x); });
}

void CheckedBackend::add(Tensor y, Tensor a, Tensor b) {
  both("add", {{"y", y, most(a)}}, [&](Backend& ops) { ops.add(y, a, b); });
}

double CheckedBackend::sum_squares(Tensor x) {
  const double want = cpu_.sum_squares(x), got = inner_->sum_squares(x);
  if (!(std::fabs(got - want) <= kRounding * want) && !(std::isnan(got) && std::isnan(want)) && got != want)
    fail(ErrorKind::kDevice, "run.checked: sum_squares: {:.7g}, and {:.7g} on the CPU", got, want);
  return got;
}

void CheckedBackend::matmul(Tensor c, Operand<Tensor> a, Operand<Tensor> b, Real scale, Write write) {
  both("matmul", {{"C", c, std::fabs(double(scale)) * most(a.view) * most(b.view)}},
       [&](Backend& ops) { ops.matmul(c, a, b, scale, write); });
}

void CheckedBackend::matmul(Tiles c, Operand<Tiles> a, Operand<Tiles> b, Real scale, Write write) {
  both("matmul of tiles", {{"C", numbers(c), std::fabs(double(scale)) * most(a.view) * most(b.view)}},
       [&](Backend& ops) { ops.matmul(c, a, b, scale, write); });
}

void CheckedBackend::linear(Tensor y, Tensor x, Tensor W, Tensor b) {
  both("linear", {{"y", y, most(x) * most(W)}}, [&](Backend& ops) { ops.linear(y, x, W, b); });
}

void CheckedBackend::bias_backward(Tensor db, Tensor dy) {
  both("bias_backward", {{"db", db, most(dy)}}, [&](Backend& ops) { ops.bias_backward(db, dy); });
}

void CheckedBackend::layer_norm_forward(Tensor y, Tensor mean, Tensor rstd, Tensor x, Tensor gamma, Tensor beta, Real epsilon) {
  both("layer_norm_forward", {{"y", y}, {"mean", mean, most(x)}, {"rstd", rstd}},
       [&](Backend& ops) { ops.layer_norm_forward(y, mean, rstd, x, gamma, beta, epsilon); });
}

void CheckedBackend::layer_norm_backward(Tensor dx, Tensor dgamma, Tensor dbeta, Tensor dy, Tensor x, Tensor mean, Tensor rstd,
                                         Tensor gamma) {
  both("layer_norm_backward",
       {{"dx", dx, most(dy) * most(gamma) * most(rstd)}, {"dγ", dgamma, most(dy)}, {"dβ", dbeta, most(dy)}},
       [&](Backend& ops) { ops.layer_norm_backward(dx, dgamma, dbeta, dy, x, mean, rstd, gamma); });
}

void CheckedBackend::rms_norm_forward(Tensor y, Tensor rstd, Tensor x, Tensor gamma, Real epsilon) {
  both("rms_norm_forward", {{"y", y}, {"rstd", rstd}}, [&](Backend& ops) { ops.rms_norm_forward(y, rstd, x, gamma, epsilon); });
}

void CheckedBackend::rms_norm_backward(Tensor dx, Tensor dgamma, Tensor dy, Tensor x, Tensor rstd, Tensor gamma) {
  both("rms_norm_backward", {{"dx", dx, most(dy) * most(gamma) * most(rstd)}, {"dγ", dgamma, most(dy)}},
       [&](Backend& ops) { ops.rms_norm_backward(dx, dgamma, dy, x, rstd, gamma); });
}

void CheckedBackend::softmax_forward(Tiles p, Tiles s, const Pattern& pattern) {
  both("softmax_forward", {{"P", numbers(p)}}, [&](Backend& ops) { ops.softmax_forward(p, s, pattern); });
}

void CheckedBackend::softmax_backward(Tiles ds, Tiles dp, Tiles p, const Pattern& pattern) {
  both("softmax_backward", {{"dS", numbers(ds), most(dp)}}, [&](Backend& ops) { ops.softmax_backward(ds, dp, p, pattern); });
}

void CheckedBackend::top_k_forward(Tiles p, Tiles s, int64_t k, const Pattern& pattern) {
  both("top_k_forward", {{"P", numbers(p)}}, [&](Backend& ops) { ops.top_k_forward(p, s, k, pattern); });
}

void CheckedBackend::entmax_forward(Tiles p, Tiles s, Tensor alpha, const Pattern& pattern) {
  both("entmax_forward", {{"P", numbers(p)}}, [&](Backend& ops) { ops.entmax_forward(p, s, alpha, pattern); });
}

void CheckedBackend::entmax_backward(Tiles ds, Tensor dalpha, Tiles dp, Tiles p, Tensor alpha, const Pattern& pattern) {
  both("entmax_backward", {{"dS", numbers(ds), most(dp)}, {"dα", dalpha, most(dp)}},
       [&](Backend& ops) { ops.entmax_backward(ds, dalpha, dp, p, alpha, pattern); });
}

void CheckedBackend::span_forward(Tensor bias, Tensor z, Real limit, Real ramp) {
  both("span_forward", {{"bias", bias}}, [&](Backend& ops) { ops.span_forward(bias, z, limit, ramp); });
}

void CheckedBackend::span_backward(Tensor dz, Tensor dbias, Tensor z, Real limit, Real ramp, Real penalty) {
  both("span_backward", {{"dz", dz, most(dbias)}}, [&](Backend& ops) { ops.span_backward(dz, dbias, z, limit, ramp, penalty); });
}

void CheckedBackend::add_by_offset(Tiles s, Tiles r, ByOffset which) {
  both("add_by_offset", {{"S", numbers(s), most(r)}}, [&](Backend& ops) { ops.add_by_offset(s, r, which); });
}

void CheckedBackend::sum_by_offset(Tiles dr, Tiles ds, ByOffset which) {
  both("sum_by_offset", {{"dR", numbers(dr), most(ds)}}, [&](Backend& ops) { ops.sum_by_offset(dr, ds, which); });
}

void CheckedBackend::rotate(Tiles x, Tensor turns, bool back) {
  both("rotate", {{"x", numbers(x)}}, [&](Backend& ops) { ops.rotate(x, turns, back); });
}

void CheckedBackend::fused_attention_forward(Tiles o, Tensor lse, Tiles q, Tiles k, Tiles v, const AttentionWeights& how) {
  both("fused_attention_forward", {{"O", numbers(o), most(v)}, {"lse", lse.top(q.packing->tokens()), 1}},
       [&](Backend& ops) { ops.fused_attention_forward(o, lse, q, k, v, how); });
}

void CheckedBackend::fused_attention_backward(Tiles dq, Tiles dk, Tiles dv, Tensor dbias, Tiles dout, Tiles o, Tensor lse,
                                              Tiles q, Tiles k, Tiles v, const AttentionWeights& how) {
  const double dp = most(dout) * most(v) * double(v.base.cols / v.heads);
  both("fused_attention_backward",
       {{"dQ", numbers(dq), double(how.scale) * dp * most(k)},
        {"dK", numbers(dk), double(how.scale) * dp * most(q)},
        {"dV", numbers(dv), most(dout)},
        {"dbias", dbias, dp}},
       [&](Backend& ops) { ops.fused_attention_backward(dq, dk, dv, dbias, dout, o, lse, q, k, v, how); });
}

void CheckedBackend::elu_features_forward(Tensor y, Tensor x) {
  both("elu_features_forward", {{"y", y}}, [&](Backend& ops) { ops.elu_features_forward(y, x); });
}

void CheckedBackend::elu_features_backward(Tensor dx, Tensor dy, Tensor y) {
  both("elu_features_backward", {{"dx", dx}}, [&](Backend& ops) { ops.elu_features_backward(dx, dy, y); });
}

void CheckedBackend::linear_attention_forward(Tiles o, Tensor n, Tiles fq, Tiles fk, Tiles v, const KernelWeights& how) {
  both("linear_attention_forward", {{"O", numbers(o), most(v)}, {"n", n.top(fq.packing->tokens())}},
       [&](Backend& ops) { ops.linear_attention_forward(o, n, fq, fk, v, how); });
}

void CheckedBackend::linear_attention_backward(Tiles dfq, Tiles dfk, Tiles dv, Tiles dout, Tiles o, Tensor n, Tiles fq, Tiles fk,
                                               Tiles v, const KernelWeights& how) {
  both(
      "linear_attention_backward",
      {{"dφq", numbers(dfq), most(dout) * most(v)}, {"dφk", numbers(dfk), most(dout) * most(v)}, {"dV", numbers(dv), most(dout)}},
      [&](Backend& ops) { ops.linear_attention_backward(dfq, dfk, dv, dout, o, n, fq, fk, v, how); });
}

void CheckedBackend::normalise_rows(Tiles p, Tiles s, bool causal, Real epsilon) {
  both("normalise_rows", {{"P", numbers(p)}}, [&](Backend& ops) { ops.normalise_rows(p, s, causal, epsilon); });
}

void CheckedBackend::random_features_forward(Tiles y, Tiles x, Tensor omega, Real scale, Stabiliser by) {
  both("random_features_forward", {{"y", numbers(y)}},
       [&](Backend& ops) { ops.random_features_forward(y, x, omega, scale, by); });
}

void CheckedBackend::random_features_backward(Tiles dx, Tiles dy, Tiles y, Tiles x, Tensor omega, Real scale) {
  both("random_features_backward", {{"dx", numbers(dx), most(dy) * most(y) * most(omega)}, {"dy ⊙ y", numbers(dy)}},
       [&](Backend& ops) { ops.random_features_backward(dx, dy, y, x, omega, scale); });
}

void CheckedBackend::normalise_heads_forward(Tiles y, Tensor rstd, Tiles x, Real epsilon) {
  both("normalise_heads_forward", {{"y", numbers(y)}, {"rstd", rstd.top(x.packing->tokens())}},
       [&](Backend& ops) { ops.normalise_heads_forward(y, rstd, x, epsilon); });
}

void CheckedBackend::normalise_heads_backward(Tiles dx, Tiles dy, Tiles y, Tensor rstd) {
  both("normalise_heads_backward", {{"dx", numbers(dx), most(dy) * most(rstd)}},
       [&](Backend& ops) { ops.normalise_heads_backward(dx, dy, y, rstd); });
}

// Which rows are nearest may turn on a rounding error: what is compared is what they are given for.
void CheckedBackend::route(Members members, Tensor nearest, Tiles x, Tensor centroids, Tensor work) {
  inner_->route(members, nearest, x, centroids, work);
}

void CheckedBackend::count_members(Tensor counts, Members members) {
  both("count_members", {{"counts", counts}}, [&](Backend& ops) { ops.count_members(counts, members); });
}

void CheckedBackend::gather_members(Tensor y, Tiles x, Members members, Tensor counts) {
  both("gather_members", {{"y", y}}, [&](Backend& ops) { ops.gather_members(y, x, members, counts); });
}

void CheckedBackend::scatter_members(Tiles x, Tensor y, Members members, Tensor counts) {
  both("scatter_members", {{"x", numbers(x), most(y)}}, [&](Backend& ops) { ops.scatter_members(x, y, members, counts); });
}

void CheckedBackend::scatter_weights(Tiles p, Tiles clustered, Members queries, Members keys, Tensor counts) {
  both("scatter_weights", {{"P", numbers(p)}}, [&](Backend& ops) { ops.scatter_weights(p, clustered, queries, keys, counts); });
}

void CheckedBackend::add_to_centroids(Tensor sums, Tiles x, Tensor nearest) {
  both("add_to_centroids", {{"sums", sums, most(x)}}, [&](Backend& ops) { ops.add_to_centroids(sums, x, nearest); });
}

void CheckedBackend::move_centroids(Tensor centroids, Tensor sums, Real decay) {
  both("move_centroids", {{"centroids", centroids}}, [&](Backend& ops) { ops.move_centroids(centroids, sums, decay); });
}

void CheckedBackend::activation_forward(Tensor y, Tensor slope, Tensor x, Activation f) {
  both("activation_forward", {{"y", y}, {"slope", slope, 1}}, [&](Backend& ops) { ops.activation_forward(y, slope, x, f); });
}

void CheckedBackend::activation_backward(Tensor dx, Tensor dy, Tensor slope) {
  both("activation_backward", {{"dx", dx}}, [&](Backend& ops) { ops.activation_backward(dx, dy, slope); });
}

void CheckedBackend::gated_forward(Tensor y, Tensor gate, Tensor up, Activation f) {
  both("gated_forward", {{"y", y}}, [&](Backend& ops) { ops.gated_forward(y, gate, up, f); });
}

void CheckedBackend::gated_backward(Tensor dgate, Tensor dup, Tensor dy, Tensor gate, Tensor up, Activation f) {
  both("gated_backward", {{"dgate", dgate, most(dy) * most(up)}, {"dup", dup}},
       [&](Backend& ops) { ops.gated_backward(dgate, dup, dy, gate, up, f); });
}

void CheckedBackend::gather(Tensor y, Tensor x, Indices index, Write write) {
  both("gather", {{"y", y}}, [&](Backend& ops) { ops.gather(y, x, on(ops, index), write); });
}

void CheckedBackend::scatter_add(Tensor dx, Tensor dy, Indices index) {
  both("scatter_add", {{"dx", dx, most(dy)}}, [&](Backend& ops) { ops.scatter_add(dx, dy, on(ops, index)); });
}

void CheckedBackend::mean_pool_forward(Tensor y, Tensor x, const Packing& packing) {
  both("mean_pool_forward", {{"y", y, most(x)}}, [&](Backend& ops) { ops.mean_pool_forward(y, x, packing); });
}

void CheckedBackend::mean_pool_backward(Tensor dx, Tensor dy, const Packing& packing) {
  both("mean_pool_backward", {{"dx", dx}}, [&](Backend& ops) { ops.mean_pool_backward(dx, dy, packing); });
}

void CheckedBackend::dropout(Tensor y, Tensor x, Real rate, RngKey key, int64_t first_row) {
  both("dropout", {{"y", y}}, [&](Backend& ops) { ops.dropout(y, x, rate, key, first_row); });
}

void CheckedBackend::dropout(Tensor y, Tensor x, Real rate, RngKey key, int64_t first_row, Indices rows) {
  both("dropout of rows", {{"y", y}}, [&](Backend& ops) { ops.dropout(y, x, rate, key, first_row, on(ops, rows)); });
}

void CheckedBackend::dropout(Tiles y, Tiles x, Real rate, RngKey key, int64_t first_row) {
  both("dropout of tiles", {{"y", numbers(y)}}, [&](Backend& ops) { ops.dropout(y, x, rate, key, first_row); });
}

void CheckedBackend::cross_entropy_forward(Tensor losses, Tensor lse, Tensor logits, Indices targets, Tensor class_weights,
                                           Real smoothing) {
  both("cross_entropy_forward", {{"losses", losses, most(logits)}, {"lse", lse, 1}},
       [&](Backend& ops) { ops.cross_entropy_forward(losses, lse, logits, on(ops, targets), class_weights, smoothing); });
}

void CheckedBackend::cross_entropy_backward(Tensor dlogits, Tensor logits, Tensor lse, Indices targets, Tensor class_weights,
                                            Real smoothing, Real scale) {
  both("cross_entropy_backward", {{"dz", dlogits, std::fabs(double(scale))}}, [&](Backend& ops) {
    ops.cross_entropy_backward(dlogits, logits, lse, on(ops, targets), class_weights, smoothing, scale);
  });
}

void CheckedBackend::binary_cross_entropy_forward(Tensor losses, Tensor logits, Tensor truth, Indices targets) {
  both("binary_cross_entropy_forward", {{"losses", losses, most(logits)}},
       [&](Backend& ops) { ops.binary_cross_entropy_forward(losses, logits, truth, on(ops, targets)); });
}

void CheckedBackend::binary_cross_entropy_backward(Tensor dlogits, Tensor logits, Tensor truth, Indices targets, Real scale) {
  both("binary_cross_entropy_backward", {{"dz", dlogits, std::fabs(double(scale))}},
       [&](Backend& ops) { ops.binary_cross_entropy_backward(dlogits, logits, truth, on(ops, targets), scale); });
}

void CheckedBackend::squared_error_forward(Tensor losses, Tensor predicted, Tensor truth, Indices targets) {
  both("squared_error_forward", {{"losses", losses}},
       [&](Backend& ops) { ops.squared_error_forward(losses, predicted, truth, on(ops, targets)); });
}

void CheckedBackend::squared_error_backward(Tensor dpredicted, Tensor predicted, Tensor truth, Indices targets, Real scale) {
  both("squared_error_backward", {{"dz", dpredicted, std::fabs(double(scale)) * (most(predicted) + most(truth))}},
       [&](Backend& ops) { ops.squared_error_backward(dpredicted, predicted, truth, on(ops, targets), scale); });
}

void CheckedBackend::adam(Tensor w, Tensor m, Tensor v, Tensor g, const AdamStep& step) {
  both("adam", {{"w", w, most(w)}, {"m", m}, {"v", v}}, [&](Backend& ops) { ops.adam(w, m, v, g, step); });
}

void CheckedBackend::sgd(Tensor w, Tensor u, Tensor g, const SgdStep& step) {
  both("sgd", {{"w", w, most(w)}, {"u", u}}, [&](Backend& ops) { ops.sgd(w, u, g, step); });
}

}  // namespace vitrine::inline VITRINE_PRECISION
