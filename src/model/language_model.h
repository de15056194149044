#pragma once
#include <optional>

#include "layers/linear.h"
#include "model/loss.h"

namespace vitrine::inline VITRINE_PRECISION {

// masked_lm (Devlin et al. 2019, §3.1) and causal_lm: which rows predict what is the batch's business. Only these M rows reach the head:
//   g = h[rows],   g = Norm(gelu(g Wᵀ + b)) with BERT's transform,   logits = g Eᵀ + b  (tied to the token embedding E, or a weight of its own)
class LanguageModel : public Objective {
 public:
  LanguageModel(const ObjectiveShape& shape, const ObjectiveSettings& settings);
  void plan(Plan& p, Parameter token_embedding) override;
  const Indices* reads(const Inputs& in) const override { return masked_ ? &in.targets[index_].rows : nullptr; }
  void forward(Step& s, Tensor h) override;
  Tensor backward(Step& s) override;
  Tensor logits() const override { return loss_.logits(); }
  Tensor losses() const override { return loss_.losses(); }

 private:
  struct Transform {
    Linear dense;
    std::unique_ptr<Layer> norm;
    Tensor u, a, du;
  };
  size_t index_;
  int64_t D_, V_;
  bool masked_, tied_;
  Rows rows_;
  std::optional<Transform> transform_;
  CrossEntropy loss_;
  Parameter W_, b_;
  Tensor g_, z_, dg_;
};

}  // namespace vitrine::inline VITRINE_PRECISION
