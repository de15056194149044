#pragma once
#include <string>

#include "layers/dropout.h"
#include "layers/linear.h"
#include "layers/settings.h"

namespace vitrine::inline VITRINE_PRECISION {

// y = dropout(f(x W_upᵀ + b_up)) W_downᵀ + b_down                         (Vaswani et al. 2017, §3.3), hidden width F.
// Gated (Shazeer 2020): f(x W_gateᵀ + b_gate) ⊙ (x W_upᵀ + b_up) takes the place of f(…); f is silu in swiglu, gelu in geglu.
class FeedForward : public Layer {
 public:
  struct Settings {
    int64_t width, hidden;
    ActivationKind activation;
    double dropout;
    Init down;  // the last matrix writes into the residual stream and starts smaller
  };
  FeedForward(const std::string& name, int64_t layer, const Settings& settings);

  void plan(Plan& p) override;
  Tensor forward(Step& s, Tensor x) override;
  Tensor backward(Step& s, Tensor dy) override;

 private:
  int64_t F_;
  bool gated_;
  Activation f_;
  Linear up_;  // gated: [gate up] stacked
  Dropout dropout_;
  Linear down_;
  Tensor u_, a_, du_;
};

}  // namespace vitrine::inline VITRINE_PRECISION
