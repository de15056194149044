#include "layers/attention/orthogonal_features.h"

#include <algorithm>
#include <cmath>

namespace vitrine::inline VITRINE_PRECISION {
namespace {

double dot(const double* x, const double* y, int64_t n) {
  double sum = 0;
  for (int64_t j = 0; j < n; ++j) sum += x[j] * y[j];
  return sum;
}

}  // namespace

std::vector<double> draw_orthogonal_features(int64_t m, int64_t d, RngKey key) {
  std::vector<double> w(size_t(m * d)), normal(static_cast<size_t>(d), 0.0);
  const auto draw = [&](double* out, int64_t row, int64_t first) {
    for (int64_t j = 0; j < d; ++j) out[j] = key.normal(uint32_t(row), uint32_t(first + j));
  };
  for (int64_t i = 0; i < m; ++i) {
    double* row = w.data() + i * d;
    draw(row, i, 0);
    for (int pass = 0; pass < 2; ++pass)
      for (int64_t k = i / d * d; k < i; ++k) {  // the rows of its block before it
        const double* other = w.data() + k * d;
        const double share = dot(row, other, d) / dot(other, other, d);
        for (int64_t j = 0; j < d; ++j) row[j] -= share * other[j];
      }
    draw(normal.data(), i, d + d % 2);  // numbers are drawn in pairs
    const double length = std::sqrt(dot(normal.data(), normal.data(), d) / dot(row, row, d));
    for (int64_t j = 0; j < d; ++j) row[j] *= length;
  }
  return w;
}

}  // namespace vitrine::inline VITRINE_PRECISION
