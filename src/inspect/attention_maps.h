#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "layers/probe.h"

namespace vitrine {

// The attention weights α of one sentence: softmax(QKᵀ/√d + mask) of every head, in evaluation mode.
struct AttentionMaps {
  int64_t layers = 0, heads = 0, length = 0;
  std::vector<double> weights;  // [L][H][n][n]: row i is the query, column j the key

  AttentionMaps() = default;
  AttentionMaps(int64_t L, int64_t H, int64_t n)
      : layers(L), heads(H), length(n), weights(static_cast<size_t>(L * H * n * n), 0.0) {}
  size_t index(int64_t l, int64_t h, int64_t i, int64_t j) const {
    return static_cast<size_t>(((l * heads + h) * length + i) * length + j);
  }
  double at(int64_t l, int64_t h, int64_t i, int64_t j) const { return weights[index(l, h, i, j)]; }
  double largest_row_error() const;  // max |Σ_j α_ij − 1|: what the view states is what was measured
};

// Fills the maps from a forward pass over a batch of one sequence. Sizes must be right beforehand.
class AttentionRecorder : public Probe {
 public:
  explicit AttentionRecorder(AttentionMaps& maps) : maps_(maps) {}
  bool wants(std::string_view name) const override;
  void visit(std::string_view name, const Place& place, Values& values) override;

 private:
  AttentionMaps& maps_;
};

}  // namespace vitrine
