#pragma once
#include <memory>
#include <vector>

#include "layers/embedding.h"
#include "model/encoder.h"
#include "model/objective.h"

namespace vitrine::inline VITRINE_PRECISION {

// embedding → blocks → objectives
class Model {
 public:
  Model(const ModelSettings& settings, uint64_t seed, int64_t vocabulary, std::vector<std::unique_ptr<Objective>> objectives);
  void plan(Plan& p);
  void forward(Step& s);
  void backward(Step& s);
  const Objective& objective(size_t k) const { return *objectives_[k]; }

 private:
  Embedding embedding_;
  Encoder encoder_;
  std::vector<std::unique_ptr<Objective>> objectives_;
  const Indices* read_ = nullptr;  // in the last forward
};

}  // namespace vitrine::inline VITRINE_PRECISION
