#include "train/correlation.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace vitrine {

double pearson(std::span<const double> x, std::span<const double> y) {
  const auto mean = [](std::span<const double> v) {
    return std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(std::max<size_t>(v.size(), 1));
  };
  const double mx = mean(x), my = mean(y);
  double xx = 0, yy = 0, xy = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double dx = x[i] - mx, dy = y[i] - my;
    xx += dx * dx, yy += dy * dy, xy += dx * dy;
  }
  return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : 0;
}

std::vector<double> ranks(std::span<const double> x) {
  std::vector<size_t> order(x.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return x[a] < x[b]; });
  std::vector<double> out(x.size());
  for (size_t first = 0, end; first < order.size(); first = end) {
    for (end = first + 1; end < order.size() && x[order[end]] == x[order[first]];) ++end;
    for (size_t i = first; i < end; ++i) out[order[i]] = static_cast<double>(first + 1 + end) / 2;  // mean of first+1 … end
  }
  return out;
}

double spearman(std::span<const double> x, std::span<const double> y) { return pearson(ranks(x), ranks(y)); }

}  // namespace vitrine
