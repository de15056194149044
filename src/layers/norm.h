#pragma once
#include <memory>
#include <string>

#include "layers/layer.h"
#include "layers/settings.h"

namespace vitrine::inline VITRINE_PRECISION {

// y = γ ⊙ (x − μ)/√(σ² + ε) + β over each row (Ba, Kiros & Hinton 2016).  γ = weight [D], β = bias [D].
class LayerNorm : public Layer {
 public:
  LayerNorm(std::string name, int64_t width, double epsilon) : name_(std::move(name)), D_(width), epsilon_(Real(epsilon)) {}
  void plan(Plan& p) override;
  Tensor forward(Step& s, Tensor x) override;
  Tensor backward(Step& s, Tensor dy) override;

 private:
  std::string name_;
  int64_t D_;
  Real epsilon_;
  Parameter gamma_, beta_;
  Tensor x_, y_, mean_, rstd_, dx_;
};

// y = γ ⊙ x/√(mean(x²) + ε) (Zhang & Sennrich 2019).  γ = weight [D].
class RmsNorm : public Layer {
 public:
  RmsNorm(std::string name, int64_t width, double epsilon) : name_(std::move(name)), D_(width), epsilon_(Real(epsilon)) {}
  void plan(Plan& p) override;
  Tensor forward(Step& s, Tensor x) override;
  Tensor backward(Step& s, Tensor dy) override;

 private:
  std::string name_;
  int64_t D_;
  Real epsilon_;
  Parameter gamma_;
  Tensor x_, y_, rstd_, dx_;
};

std::unique_ptr<Layer> make_norm(std::string name, int64_t width, const NormSettings& settings);

}  // namespace vitrine::inline VITRINE_PRECISION
