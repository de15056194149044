#include "layers/linear.h"

#include <utility>

namespace vitrine::inline VITRINE_PRECISION {

Linear::Linear(std::vector<std::string> names, int64_t in, int64_t out_each, Init init)
    : names_(std::move(names)), in_(in), out_(static_cast<int64_t>(names_.size()) * out_each), init_(init) {}

void Linear::plan(Plan& p) {
  std::vector<std::string> weights, biases;
  for (const std::string& name : names_) weights.push_back(name + ".weight"), biases.push_back(name + ".bias");
  const int64_t out_each = out_ / static_cast<int64_t>(names_.size());
  W_ = p.stacked_matrix(weights, out_each, in_, init_);
  b_ = p.stacked_vector(biases, out_each, Init::value(0));
  y_ = p.activations.take(p.extent.tokens, out_);
  dx_ = p.gradients.take(p.extent.tokens, in_);
}

Tensor Linear::forward(Step& s, Tensor x) {
  x_ = x;
  const Tensor y = y_.top(x.rows);
  s.ops.linear(y, x, W_.value, b_.value);  // y = x Wᵀ + b
  return y;
}

Tensor Linear::backward(Step& s, Tensor dy) {
  const Tensor dx = dx_.top(dy.rows);
  s.ops.matmul(W_.grad, dy.T(), x_, 1, Write::kAdd);  // dW += dyᵀ x
  s.ops.bias_backward(b_.grad, dy);                   // db += Σ dy
  s.ops.matmul(dx, dy, W_.value);                     // dx = dy W
  return dx;
}

}  // namespace vitrine::inline VITRINE_PRECISION
