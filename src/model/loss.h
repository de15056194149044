#pragma once
#include <vector>

#include "model/objective.h"

namespace vitrine::inline VITRINE_PRECISION {

// What stands at the end of a head: from logits z [M,C] to a loss for each target, and back. Formulas in backend/backend.h.
class Loss {
 public:
  explicit Loss(const ObjectiveShape& shape) : shape_(shape) {}
  virtual ~Loss() = default;
  virtual void plan(Plan& p, int64_t rows);
  virtual void forward(Step& s, Tensor logits, const Inputs::Target& target) = 0;
  // dz of the head's part of the loss; dlogits may be the logits themselves.
  virtual void backward(Step& s, Tensor dlogits, const Inputs::Target& target) = 0;
  Tensor logits() const { return z_; }
  Tensor losses() const { return losses_.top(z_.rows); }

 protected:
  // Head's weight / weight of the targets of the whole batch.
  Real scale(const Inputs::Target& target) const { return target.weight > 0 ? Real(shape_.weight / target.weight) : 0; }
  ObjectiveShape shape_;
  Tensor z_, losses_;
};

// One class of C: softmax and cross-entropy, with label smoothing and class weights.
class CrossEntropy : public Loss {
 public:
  CrossEntropy(const ObjectiveShape& shape, double smoothing) : Loss(shape), smoothing_(Real(smoothing)) {}
  void plan(Plan& p, int64_t rows) override;
  void forward(Step& s, Tensor logits, const Inputs::Target& target) override;
  void backward(Step& s, Tensor dlogits, const Inputs::Target& target) override;

 private:
  Real smoothing_;
  Tensor class_weights_, lse_;
};

// Of targets that are C numbers each.
class NumberLoss : public Loss {
 public:
  using Loss::Loss;
  void plan(Plan& p, int64_t rows) override;

 protected:
  void load(Step& s, Tensor z, const Inputs::Target& target);  // z_ and the truth beside it
  Tensor truth() const { return truth_.top(z_.rows); }         // [B,C]

 private:
  Tensor truth_;
};

// Any number of C classes: a sigmoid and a binary cross-entropy each; a target's loss is their mean.
class BinaryCrossEntropy : public NumberLoss {
 public:
  using NumberLoss::NumberLoss;
  void forward(Step& s, Tensor logits, const Inputs::Target& target) override;
  void backward(Step& s, Tensor dlogits, const Inputs::Target& target) override;
};

// A number.
class SquaredError : public NumberLoss {
 public:
  using NumberLoss::NumberLoss;
  void forward(Step& s, Tensor predicted, const Inputs::Target& target) override;
  void backward(Step& s, Tensor dpredicted, const Inputs::Target& target) override;
};

}  // namespace vitrine::inline VITRINE_PRECISION
