#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/check.h"

namespace vitrine {

double learning_rate_at(const ScheduleSettings& schedule, double peak, int64_t step, int64_t steps) {
  check(step >= 1, "steps count from 1");
  const double s = static_cast<double>(step), w = static_cast<double>(schedule.warmup_steps), r = schedule.final_ratio;
  if (step <= schedule.warmup_steps) return peak * (s / w);
  const double t = std::min(1.0, (s - w) / std::max(1.0, static_cast<double>(steps) - w));
  switch (schedule.kind) {
    case ScheduleKind::kConstant: return peak;
    case ScheduleKind::kLinear: return peak * (1 - (1 - r) * t);
    case ScheduleKind::kCosine: return peak * (r + (1 - r) * (1 + std::cos(std::numbers::pi * t)) / 2);
    case ScheduleKind::kInverseSqrt: return peak * std::sqrt(std::max(w, 1.0) / s);
  }
  check(false, "unknown schedule");
  return peak;
}

}  // namespace vitrine
