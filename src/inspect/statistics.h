#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace vitrine {

// Σ y / Σ x over sentences with its 95 % interval, kept as five sums: of a mean x is 1, of a ratio over the corpus it is the weight of the
// sentence. The standard error is that of a ratio estimator, s² = n/(n − 1) Σ(y − r x)² / (Σ x)² (Cochran 1977, §6.4).
class RatioEstimate {
 public:
  void add(double y, double x = 1);  // left out where y is NaN or x is 0
  int64_t count() const { return n_; }
  double value() const;       // NaN of nothing
  double half_width() const;  // 1.96 s; 0 of one sentence

 private:
  int64_t n_ = 0;
  double y_ = 0, x_ = 0, yy_ = 0, xy_ = 0, xx_ = 0;
};

// Kendall's τ_b: (concordant − discordant) / √(pairs not tied in a · pairs not tied in b); NaN where all of a or of b are tied.
double kendall_tau(std::span<const double> a, std::span<const double> b);
// Its standard deviation under independence, √(2(2n + 5) / 9n(n − 1)), n ≥ 2: 0.36 at n = 6. |τ| below twice this is no finding.
double kendall_null_deviation(int64_t n);

// Which column each row takes, all different and rows ≤ columns, so that Σ cost[row·columns + column] is least (Kuhn 1955; by shortest
// augmenting paths, O(rows² columns)). Matches the heads of two runs by the divergence of their maps.
std::vector<int64_t> best_assignment(std::span<const double> cost, int64_t rows, int64_t columns);

}  // namespace vitrine
