#pragma once
#include <memory>

#include "train/evaluation.h"

namespace vitrine {

// Adds up what the forward passes of one evaluation say of one head.
class Meter {
 public:
  virtual ~Meter() = default;
  virtual void add(const Batch& batch, const Targets& targets, const HeadResult& result, const Dataset& data) = 0;
  virtual HeadEvaluation finish() = 0;
};
std::unique_ptr<Meter> make_meter(const MeasuredHead& head);

}  // namespace vitrine
