#pragma once
#include <string>
#include <vector>

#include "layers/layer.h"

namespace vitrine::inline VITRINE_PRECISION {

// Standard deviation that weights start with, as in BERT and GPT-2.
constexpr double kWeightDeviation = 0.02;

// y [N,out] = x Wᵀ + b,   W [out,in], b [out].
// With several names, W and b are those parameters stacked ([Q K V] of attention), so that one product computes all of them.
class Linear : public Layer {
 public:
  Linear(std::string name, int64_t in, int64_t out, Init init) : Linear(std::vector{std::move(name)}, in, out, init) {}
  Linear(std::vector<std::string> names, int64_t in, int64_t out_each, Init init);

  void plan(Plan& p) override;
  Tensor forward(Step& s, Tensor x) override;
  Tensor backward(Step& s, Tensor dy) override;

 private:
  std::vector<std::string> names_;
  int64_t in_, out_;
  Init init_;
  Parameter W_, b_;
  Tensor x_, y_, dx_;
};

}  // namespace vitrine::inline VITRINE_PRECISION
