#pragma once
#include "layers/linear.h"
#include "model/loss.h"

namespace vitrine::inline VITRINE_PRECISION {

// A tag for each word, at its first piece; which rows these are is the batch's business. Only these M rows reach the head:
//   g = h[rows],   logits = g Wᵀ + b
class TokenClassifier : public Objective {
 public:
  TokenClassifier(const ObjectiveShape& shape, const ObjectiveSettings& settings);
  void plan(Plan& p, Parameter token_embedding) override;
  void forward(Step& s, Tensor h) override;
  Tensor backward(Step& s) override;
  Tensor logits() const override { return loss_.logits(); }
  Tensor losses() const override { return loss_.losses(); }

 private:
  size_t index_;
  int64_t D_, C_;
  Rows rows_;
  Linear tagger_;
  CrossEntropy loss_;
  Tensor dz_;
};

}  // namespace vitrine::inline VITRINE_PRECISION
