#pragma once
#include "base/op_profile.h"
#include "train/engine.h"
#include "train/op_shapes.h"

namespace vitrine {

namespace f32 {
std::vector<OpProfile> measure_ops(const OpShapes& shapes, double seconds_each);
}
namespace f64 {
std::vector<OpProfile> measure_ops(const OpShapes& shapes, double seconds_each);
}

// Every primitive alone, again and again for the time given, on one thread; operands random, in the cache as far as they fit.
inline std::vector<OpProfile> measure_ops(Precision precision, const OpShapes& shapes, double seconds_each) {
  return precision == Precision::kFloat32 ? f32::measure_ops(shapes, seconds_each) : f64::measure_ops(shapes, seconds_each);
}

}  // namespace vitrine
