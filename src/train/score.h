#pragma once
#include <cstdint>

namespace vitrine {

// How often a class was right: precision = hits/predicted, recall = hits/truth (0 where the denominator is), f1 their harmonic mean.
struct ClassScore {
  int64_t truth = 0, predicted = 0, hits = 0;

  double precision() const { return predicted > 0 ? static_cast<double>(hits) / static_cast<double>(predicted) : 0; }
  double recall() const { return truth > 0 ? static_cast<double>(hits) / static_cast<double>(truth) : 0; }
  double f1() const {
    return truth + predicted > 0 ? 2.0 * static_cast<double>(hits) / static_cast<double>(truth + predicted) : 0;
  }
  void add(const ClassScore& other) { truth += other.truth, predicted += other.predicted, hits += other.hits; }
};

}  // namespace vitrine
