#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>

// The constants of position schemes, computed once on the host.
namespace vitrine {

// Slope m_h of head h of H: 2^(−8(h+1)/H) when H is a power of two. Otherwise, with n the power of two below H, the first n heads have
// the slopes of n heads, the others every second one of 2n heads, from the first on (Press et al. 2022, and the code of the paper).
inline double alibi_slope(int64_t h, int64_t heads) {
  const auto n = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(heads)));
  return h < n ? std::exp2(-8.0 * static_cast<double>(h + 1) / static_cast<double>(n))
               : std::exp2(-4.0 * static_cast<double>(2 * (h - n) + 1) / static_cast<double>(n));
}

// Bucket of the offset r = j − i (Raffel et al. 2020, §2.1, bidirectional). Half of the buckets are for r > 0. Of each half, the first half,
// e buckets, are for one distance each; the others grow by a constant factor, (max_distance/e)^(1/e), up to max_distance and beyond.
inline int64_t t5_bucket(int64_t r, int64_t buckets, int64_t max_distance) {
  const int64_t half = buckets / 2, e = half / 2, behind = r > 0 ? half : 0, distance = std::abs(r);
  if (distance < e) return behind + distance;
  const double share = std::log(static_cast<double>(distance) / static_cast<double>(e)) /
                       std::log(static_cast<double>(max_distance) / static_cast<double>(e));
  constexpr double kRounding = 1e-9;  // a distance that is exactly where a bucket begins belongs to it
  return behind + std::min(half - 1, e + static_cast<int64_t>(share * static_cast<double>(half - e) + kRounding));
}

// Angle by which rotary turns the pair (2i, 2i+1) at position t: t·base^(−2i/width) (Su et al. 2021, §3.2.2).
inline double rotary_angle(int64_t t, int64_t i, int64_t width, double base) {
  return static_cast<double>(t) * std::pow(base, -2.0 * static_cast<double>(i) / static_cast<double>(width));
}

}  // namespace vitrine
