#pragma once
#include <bit>
#include <cmath>
#include <cstdint>

#include "tensor/tensor.h"

#ifdef __CUDACC__
#define VITRINE_HOST_DEVICE __host__ __device__
#else
#define VITRINE_HOST_DEVICE
#endif

// Functions without branches or tables, so that a compiler turns a loop over them into vector instructions. Float: polynomials, with
// the largest error over all floats beside them (measured by vector_math_test). Double: the standard library, for finite differences.
// NaN in, NaN out.
namespace vitrine::inline VITRINE_PRECISION {

// eˣ = 2ⁿ eʳ,  n = round(x / ln 2),  |r| ≤ ln 2 / 2 (ln 2 in two parts: Cody and Waite 1980); the polynomial of eʳ is that of Cephes'
// expf (Moshier 1989). 0 below −87.3, ∞ above 88.3.                                                             error ≤ 2 ulp
VITRINE_HOST_DEVICE inline float vexp(float x) {
  constexpr float kRound = 12582912.f;  // 1.5·2²³: adding it leaves the nearest whole number in the last bits
  const float low = x < -87.3f ? -87.3f : x, bounded = low > 88.3f ? 88.3f : low;
  const float shifted = bounded * 1.44269504f + kRound, n = shifted - kRound;
  const float r = (bounded - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1;
  const uint32_t power = (std::bit_cast<uint32_t>(shifted) << 23) + (uint32_t{127} << 23);
  const float y = p * std::bit_cast<float>(power);
  return x < -87.3f ? 0.f : x > 88.3f ? HUGE_VALF : y;
}
VITRINE_HOST_DEVICE inline double vexp(double x) { return std::exp(x); }

// ln x = n ln 2 + ln f for x = 2ⁿ f, √½ ≤ f < √2, with the polynomial of Cephes' logf (Moshier 1989). Normal x > 0.           error ≤ 2 ulp
VITRINE_HOST_DEVICE inline float vlog(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x) - 0x3F3504F3u;  // that of √½: what is left above the fraction is n
  const auto n = static_cast<float>(static_cast<int32_t>(bits) >> 23);
  const float y = std::bit_cast<float>((bits & 0x7FFFFFu) + 0x3F3504F3u) - 1, z = y * y;
  float p = 7.0376836292e-2f;
  p = p * y - 1.1514610310e-1f;
  p = p * y + 1.1676998740e-1f;
  p = p * y - 1.2420140846e-1f;
  p = p * y + 1.4249322787e-1f;
  p = p * y - 1.6668057665e-1f;
  p = p * y + 2.0000714765e-1f;
  p = p * y - 2.4999993993e-1f;
  p = p * y + 3.3333331174e-1f;
  const float low = (p * y * z - n * 2.12194440e-4f) - 0.5f * z;
  return x == x ? (y + low) + n * 0.693359375f : x;
}
VITRINE_HOST_DEVICE inline double vlog(double x) { return std::log(x); }

// 1 / (1 + e⁻ˣ)
VITRINE_HOST_DEVICE inline Real vsigmoid(Real x) { return 1 / (1 + vexp(-x)); }

// tanh x = 1 − 2/(e²ˣ + 1); near 0, where that cancels, the polynomial of Cephes' tanhf.                         error ≤ 3 ulp
VITRINE_HOST_DEVICE inline float vtanh(float x) {
  const float z = x * x;
  float p = -5.70498872745e-3f;
  p = p * z + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  const float small = p * z * x + x, large = 1 - 2 / (vexp(2 * x) + 1);
  return std::fabs(x) < 0.625f ? small : large;
}
VITRINE_HOST_DEVICE inline double vtanh(double x) { return std::tanh(x); }

// The normal distribution: density φ(x) = e^(−x²/2)/√(2π) and cumulative Φ(x) = P(X ≤ x) = ½(1 + erf(x/√2)).
// Float: Φ(−|x|) = e^(−x²/2) t P(t),  t = 1/(1 + 0.4 |x|): the form of Abramowitz and Stegun (1964), 7.1.26, with a P of degree 7 that
// is our own minimax fit of the relative error for |x| ≤ 4.5, and of the absolute one beyond.         error of Φ ≤ 2.5e-7, of x Φ ≤ 2e-7
template <class R>
struct Normal {
  R density, cumulative;
};
VITRINE_HOST_DEVICE inline Normal<float> vnormal(float x) {
  const float bell = vexp(-0.5f * x * x), t = 1 / (1 + 0.4f * std::fabs(x));
  float p = -0.0368462466f;
  p = p * t + 0.186949089f;
  p = p * t - 0.345090061f;
  p = p * t + 0.218094364f;
  p = p * t + 0.010151227f;
  p = p * t + 0.149089187f;
  p = p * t + 0.158021986f;
  p = p * t + 0.159630418f;
  const float tail = bell * (t * p);
  return {bell * 0.398942280f, x > 0 ? 1 - tail : tail};
}
VITRINE_HOST_DEVICE inline Normal<double> vnormal(double x) {
  return {0.39894228040143268 * std::exp(-0.5 * x * x), 0.5 * std::erfc(-x * 0.70710678118654752)};
}

}  // namespace vitrine::inline VITRINE_PRECISION
