#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "backend/cpu_backend.h"

namespace vitrine::inline VITRINE_PRECISION {

// bias_o = ln m_o,  m_o = clamp((R + z − |o|)/R, 0, 1): 0 as far as z, −∞ from z + R on          (Sukhbaatar et al. 2019, §2.2)
void CpuBackend::span_forward(Tensor bias, Tensor z, Real most, Real ramp) {
  const int64_t W = bias.cols / 2;
  for (int64_t h = 0; h < bias.rows; ++h) {
    const Real span = std::clamp(z.row(0)[h], Real{0}, most);
    Real* centre = bias.row(h) + W;
    for (int64_t o = 0; o <= W; ++o) {
      const Real left = ramp + span - static_cast<Real>(o);
      centre[o] = centre[-o] = left >= ramp ? 0 : left > 0 ? std::log(left / ramp) : -std::numeric_limits<Real>::infinity();
    }
  }
}

// On the ramp, 0 < m < 1, ∂ln m_o/∂z = 1/(R m_o) = 1/(R + z − |o|); elsewhere 0.  dz += Σ_o dbias_o ∂ln m_o/∂z + penalty
void CpuBackend::span_backward(Tensor dz, Tensor dbias, Tensor z, Real most, Real ramp, Real penalty) {
  const int64_t W = dbias.cols / 2;
  for (int64_t h = 0; h < dbias.rows; ++h) {
    const Real at = z.row(0)[h], span = std::clamp(at, Real{0}, most);
    const Real* centre = dbias.row(h) + W;
    Real sum = penalty;
    for (int64_t o = 0; o <= W; ++o) {
      const Real left = ramp + span - static_cast<Real>(o);
      if (left > 0 && left < ramp) sum += (centre[o] + (o > 0 ? centre[-o] : 0)) / left;
    }
    const bool leaves = (at <= 0 && sum > 0) || (at >= most && sum < 0);  // a step against the gradient would go farther out
    if (!leaves) dz.row(0)[h] += sum;
  }
}

}  // namespace vitrine::inline VITRINE_PRECISION
