#include "inspect/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace vitrine {

void RatioEstimate::add(double y, double x) {
  if (std::isnan(y) || x == 0) return;
  ++n_, y_ += y, x_ += x;
  yy_ += y * y, xy_ += x * y, xx_ += x * x;
}

double RatioEstimate::value() const { return n_ > 0 ? y_ / x_ : std::numeric_limits<double>::quiet_NaN(); }

double RatioEstimate::half_width() const {
  if (n_ < 2) return 0;
  const double r = value(), n = static_cast<double>(n_);
  const double squares = std::max(0.0, yy_ - 2 * r * xy_ + r * r * xx_);  // Σ(y − r x)²
  return 1.96 * std::sqrt(n / (n - 1) * squares) / std::abs(x_);
}

double kendall_tau(std::span<const double> a, std::span<const double> b) {
  check(a.size() == b.size(), "two rankings of the same things");
  double sum = 0, untied_a = 0, untied_b = 0;
  const auto sign = [](double x) { return x > 0 ? 1.0 : x < 0 ? -1.0 : 0.0; };
  for (size_t i = 0; i < a.size(); ++i)
    for (size_t j = 0; j < i; ++j) {
      const double s = sign(a[i] - a[j]), t = sign(b[i] - b[j]);
      sum += s * t, untied_a += s * s, untied_b += t * t;
    }
  return sum / std::sqrt(untied_a * untied_b);
}

double kendall_null_deviation(int64_t n) {
  const auto m = static_cast<double>(n);
  return std::sqrt(2 * (2 * m + 5) / (9 * m * (m - 1)));
}

// Rows are added one by one. u, v are prices with u_i + v_j ≤ cost_ij, equal where i has j; a shortest path over reduced costs
// cost − u − v from the new row to a free column says who moves. Column and row 0 stand for nobody.
std::vector<int64_t> best_assignment(std::span<const double> cost, int64_t rows, int64_t columns) {
  check(rows <= columns && std::ssize(cost) == rows * columns, "a cost for each pair, and a column for each row");
  const auto R = static_cast<size_t>(rows), C = static_cast<size_t>(columns);
  std::vector<double> u(R + 1, 0), v(C + 1, 0);
  std::vector<size_t> owner(C + 1, 0), before(C + 1, 0);
  for (size_t row = 1; row <= R; ++row) {
    std::vector<double> distance(C + 1, INFINITY);
    std::vector<bool> done(C + 1, false);
    size_t column = 0;
    owner[0] = row;
    do {
      done[column] = true;
      const size_t i = owner[column];
      size_t next = 0;
      for (size_t j = 1; j <= C; ++j) {
        if (done[j]) continue;
        const double reduced = cost[(i - 1) * C + j - 1] - u[i] - v[j];
        if (reduced < distance[j]) distance[j] = reduced, before[j] = column;
        if (next == 0 || distance[j] < distance[next]) next = j;
      }
      const double step = distance[next];
      for (size_t j = 0; j <= C; ++j) {
        if (done[j])
          u[owner[j]] += step, v[j] -= step;
        else
          distance[j] -= step;
      }
      column = next;
    } while (owner[column] != 0);
    for (; column != 0; column = before[column]) owner[column] = owner[before[column]];
  }
  std::vector<int64_t> out(R);
  for (size_t j = 1; j <= C; ++j)
    if (owner[j] != 0) out[owner[j] - 1] = static_cast<int64_t>(j) - 1;
  return out;
}

}  // namespace vitrine
