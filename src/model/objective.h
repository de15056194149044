#pragma once
#include <memory>
#include <vector>

#include "layers/rows.h"
#include "model/settings.h"

namespace vitrine::inline VITRINE_PRECISION {

// What the encoder is trained for: a head over the hidden states h [N,D], and its loss.
// The loss of a batch is Σ_m loss_m / (the targets' weight), that of the *whole* batch, however it was cut; several heads add up,
// each times its own weight.
class Objective {
 public:
  virtual ~Objective() = default;
  virtual void plan(Plan& p, Parameter token_embedding) = 0;             // [V,D], for a head that is tied to it
  virtual const Indices* reads(const Inputs&) const { return nullptr; }  // the few rows of h that it looks at; null: most of them
  virtual void forward(Step& s, Tensor h) = 0;                           // h may be only the rows of Step::read, those of reads()
  virtual Tensor backward(Step& s) = 0;  // dh, as h was; once after a forward: the gradient of the logits may take their place
  virtual Tensor logits() const = 0;     // [M,C] of the last forward, until backward
  virtual Tensor losses() const = 0;     // [M,1]
};

struct ObjectiveShape {
  size_t index;            // which of the batch's targets
  double weight;           // of this head's loss
  int64_t width, classes;  // D, C (the vocabulary for language models, 1 for regression)
  NormSettings norm;       // of BERT's transform
  std::vector<double> class_weights;
};
std::unique_ptr<Objective> make_objective(const ObjectiveShape& shape, const ObjectiveSettings& settings);

}  // namespace vitrine::inline VITRINE_PRECISION
