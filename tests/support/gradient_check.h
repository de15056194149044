#pragma once
#include <algorithm>
#include <cmath>
#include <functional>
#include <string_view>

#include "support/catch.h"
#include "support/tolerance.h"

namespace vitrine::inline VITRINE_PRECISION {

// ∂f/∂x by central differences of order 4:  (8 (f(x+h) − f(x−h)) − (f(x+2h) − f(x−2h))) / 12h.
inline double numeric_derivative(const std::function<double()>& f, Real& x) {
  const Real start = x, h = static_cast<Real>(1e-3 * std::max(1.0, std::fabs(static_cast<double>(x))));
  const auto at = [&](int steps) {
    x = start + static_cast<Real>(steps) * h;
    return f();
  };
  const double near = at(1) - at(-1), far = at(2) - at(-2);
  x = start;
  return (8 * near - far) / (12 * static_cast<double>(h));
}

// Compares `analytic`, which backward computed, with numeric derivatives of f by every entry of x (or about `at_most` of them, evenly). `largest`: the
// largest entry of the whole gradient, when it is that of more than this x. In float, where differences prove nothing, does nothing.
inline void check_gradient(std::string_view name, const std::function<double()>& f, Tensor x, Tensor analytic, double largest = 0,
                           int64_t at_most = 0) {
  if constexpr (!kDouble) return;
  REQUIRE(x.rows == analytic.rows);
  REQUIRE(x.cols == analytic.cols);
  for (int64_t i = 0; i < x.rows; ++i) {
    for (int64_t j = 0; j < x.cols; ++j) largest = std::max(largest, std::fabs(static_cast<double>(analytic.row(i)[j])));
  }
  const int64_t every = at_most > 0 && x.size() > at_most ? x.size() / at_most : 1;
  double worst = 0;  // error as a share of what is allowed
  for (int64_t k = 0; k < x.size(); k += every) {
    const int64_t i = k / x.cols, j = k % x.cols;
    const double n = numeric_derivative(f, x.row(i)[j]), a = static_cast<double>(analytic.row(i)[j]);
    const double allowed = kRelative * std::max(std::fabs(a), std::fabs(n)) + kOfLargest * largest;
    const double share = std::fabs(a - n) / std::max(allowed, 1e-300);
    if (share <= 1) {
      worst = std::max(worst, share);
      continue;
    }
    FAIL_CHECK("gradient of " << name << " at (" << i << "," << j << "): backward says " << a << ", differences say " << n
                              << "; allowed " << allowed);
    return;
  }
  CHECK(worst <= 1);
}

// The loss of tests: ⟨y, dy⟩, whose gradient in y is dy.
inline double dot(Tensor y, Tensor dy) {
  double sum = 0;
  for (int64_t i = 0; i < y.rows; ++i) {
    for (int64_t j = 0; j < y.cols; ++j) sum += static_cast<double>(y.row(i)[j]) * static_cast<double>(dy.row(i)[j]);
  }
  return sum;
}

}  // namespace vitrine::inline VITRINE_PRECISION
