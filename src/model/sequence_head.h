#pragma once
#include <optional>

#include "layers/linear.h"
#include "model/loss.h"

namespace vitrine::inline VITRINE_PRECISION {

// What is said of a sequence as a whole: its class, which classes hold, a number.
//   c = mean of its rows, or its first row ([CLS]);   c = tanh(c Wᵀ + b) with BERT's pooler;   logits = c Wᵀ + b
// The last layer is called classifier, labeller or regressor. A head of each kind may stand on one encoder.
class SequenceHead : public Objective {
 public:
  SequenceHead(const ObjectiveShape& shape, const ObjectiveSettings& settings);
  void plan(Plan& p, Parameter token_embedding) override;
  const Indices* reads(const Inputs& in) const override { return pooling_ == Pooling::kCls ? &in.first_tokens : nullptr; }
  void forward(Step& s, Tensor h) override;
  Tensor backward(Step& s) override;
  Tensor logits() const override { return loss_->logits(); }
  Tensor losses() const override { return loss_->losses(); }

 private:
  size_t index_;
  int64_t D_, C_;
  Pooling pooling_;
  Rows rows_;
  std::optional<Linear> pooler_;
  Linear last_;
  std::unique_ptr<Loss> loss_;
  Tensor c_, u_, t_, dz_, du_, dh_;
};

}  // namespace vitrine::inline VITRINE_PRECISION
