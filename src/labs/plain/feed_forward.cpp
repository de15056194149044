#include <algorithm>
#include <cmath>

#include "tensor/tensor.h"

// The feed-forward of layers/feed_forward.cpp with GELU, by plain loops.
namespace vitrine::inline VITRINE_PRECISION {

// u = x W_upᵀ + b_up,   y = gelu(u) W_downᵀ + b_down,   gelu(u) = u Φ(u) with Φ(u) = ½ (1 + erf(u/√2))
void feed_forward_forward(Tensor y, Tensor u, Tensor x, Tensor W_up, Tensor b_up, Tensor W_down, Tensor b_down) {
  // lab feed_forward: about 16 lines
  const auto gelu = [](Real t) { return t * Real(0.5) * (1 + std::erf(t / std::sqrt(Real(2)))); };
  for (int64_t n = 0; n < x.rows; ++n) {
    for (int64_t f = 0; f < u.cols; ++f) {
      Real sum = b_up.data[f];
      for (int64_t i = 0; i < x.cols; ++i) sum += x.row(n)[i] * W_up.row(f)[i];
      u.row(n)[f] = sum;
    }
    for (int64_t o = 0; o < y.cols; ++o) {
      Real sum = b_down.data[o];
      for (int64_t f = 0; f < u.cols; ++f) sum += gelu(u.row(n)[f]) * W_down.row(o)[f];
      y.row(n)[o] = sum;
    }
  }
  // lab: end
}

// a = gelu(u):   da = dy W_down,   du = da ⊙ gelu'(u),   dx = du W_up,   gelu'(u) = Φ(u) + u φ(u) with φ(u) = e^(−u²/2)/√(2π)
// dW_down += dyᵀ a,   db_down += Σ_rows dy,   dW_up += duᵀ x,   db_up += Σ_rows du                            (layers/feed_forward.md, linear.md)
void feed_forward_backward(Tensor dx, Tensor dW_up, Tensor db_up, Tensor dW_down, Tensor db_down, Tensor dy, Tensor x, Tensor u,
                           Tensor W_up, Tensor W_down) {
  // lab feed_forward: about 24 lines
  const auto Phi = [](Real t) { return Real(0.5) * (1 + std::erf(t / std::sqrt(Real(2)))); };
  const auto phi = [](Real t) { return std::exp(-t * t / 2) / std::sqrt(2 * Real(3.14159265358979323846)); };
  for (int64_t n = 0; n < x.rows; ++n) {
    std::fill_n(dx.row(n), dx.cols, Real{0});
    for (int64_t o = 0; o < dy.cols; ++o) db_down.data[o] += dy.row(n)[o];
    for (int64_t f = 0; f < u.cols; ++f) {
      const Real t = u.row(n)[f], a = t * Phi(t);
      Real da = 0;
      for (int64_t o = 0; o < dy.cols; ++o) {
        da += dy.row(n)[o] * W_down.row(o)[f];
        dW_down.row(o)[f] += dy.row(n)[o] * a;
      }
      const Real du = da * (Phi(t) + t * phi(t));
      db_up.data[f] += du;
      for (int64_t i = 0; i < x.cols; ++i) {
        dW_up.row(f)[i] += du * x.row(n)[i];
        dx.row(n)[i] += du * W_up.row(f)[i];
      }
    }
  }
  // lab: end
}

}  // namespace vitrine::inline VITRINE_PRECISION
