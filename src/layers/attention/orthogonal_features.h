#pragma once
#include <vector>

#include "base/rng.h"
#include "tensor/tensor.h"

namespace vitrine::inline VITRINE_PRECISION {

// ω [m,d] for random features (Choromanski et al. 2021, §2.4): each row is normal, and the rows of a block of d are orthogonal, which makes the
// kernel's estimate no less right on average and its variance smaller. Normal rows, orthogonalised (Gram and Schmidt, twice), with lengths drawn anew from
// χ(d), as a normal row would have. A pure function of its arguments: nothing is lost on resume.
std::vector<double> draw_orthogonal_features(int64_t m, int64_t d, RngKey key);

}  // namespace vitrine::inline VITRINE_PRECISION
