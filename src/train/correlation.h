#pragma once
#include <span>
#include <vector>

namespace vitrine {

// r = Σ (x − x̄)(y − ȳ) / √(Σ (x − x̄)² Σ (y − ȳ)²); 0 where x or y does not vary (Pearson 1895).
double pearson(std::span<const double> x, std::span<const double> y);

// Ranks from 1; equal numbers share the mean of theirs.
std::vector<double> ranks(std::span<const double> x);

// Pearson's r of the ranks (Spearman 1904).
double spearman(std::span<const double> x, std::span<const double> y);

}  // namespace vitrine
