#pragma once
#include <memory>
#include <vector>

#include "layers/block.h"
#include "model/settings.h"

namespace vitrine::inline VITRINE_PRECISION {

// L blocks, and for pre-norm blocks a norm after the last one: y [N,D], or the rows of Step::read.
class Encoder : public Layer {
 public:
  explicit Encoder(const ModelSettings& settings, uint64_t seed = 0);
  void plan(Plan& p) override;
  Tensor forward(Step& s, Tensor x) override;
  Tensor backward(Step& s, Tensor dy) override;

 private:
  std::unique_ptr<SharedPosition> position_;  // of all blocks
  std::vector<std::unique_ptr<Layer>> blocks_;
  std::unique_ptr<Layer> final_norm_;  // null for post-norm
};

}  // namespace vitrine::inline VITRINE_PRECISION
