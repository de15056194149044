#pragma once
#include <optional>

#include "train/attention_case.h"
#include "train/engine.h"

namespace vitrine {

namespace f32 {
int64_t plan_attention(const AttentionCase& what);
AttentionRate measure_attention(const AttentionCase& what, double seconds);
}  // namespace f32
namespace f64 {
int64_t plan_attention(const AttentionCase& what);
AttentionRate measure_attention(const AttentionCase& what, double seconds);
}  // namespace f64

// Bytes that a core takes for one sequence.
inline int64_t plan_attention(Precision precision, const AttentionCase& what) {
  return precision == Precision::kFloat32 ? f32::plan_attention(what) : f64::plan_attention(what);
}

// Passes again and again for the time given, at least two, the first of which is not counted.
inline AttentionRate measure_attention(Precision precision, const AttentionCase& what, double seconds) {
  return precision == Precision::kFloat32 ? f32::measure_attention(what, seconds) : f64::measure_attention(what, seconds);
}

}  // namespace vitrine
