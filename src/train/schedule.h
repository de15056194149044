#pragma once
#include "train/settings.h"

namespace vitrine {

// The learning rate of step s = 1 … steps. With peak η, w warm-up steps, r = final_ratio and t = (s − w)/(steps − w) ∈ (0, 1]:
//   s ≤ w         η s/w                                   (Goyal et al. 2017, §2.2)
//   constant      η
//   linear        η (1 − (1 − r) t)
//   cosine        η (r + (1 − r)(1 + cos πt)/2)           (Loshchilov and Hutter 2017, eq. 5, one cycle)
//   inverse_sqrt  η √(max(w, 1)/s)                        (Vaswani et al. 2017, §5.3)
// At the last step linear and cosine reach r η exactly.
double learning_rate_at(const ScheduleSettings& schedule, double peak, int64_t step, int64_t steps);

}  // namespace vitrine
