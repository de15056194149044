#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
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
  // What the views state is what was measured: max |Σ_j α_ij − 1| over the rows that are not all 0, and how many are: in routing attention,
  // queries without a key.
  double largest_row_error() const;
  int64_t rows_without_keys() const;
};

// Fills the maps from a forward pass over a batch, one for each of its sequences. Sizes must be right beforehand.
class AttentionRecorder : public Probe {
 public:
  explicit AttentionRecorder(std::span<AttentionMaps> maps) : maps_(maps) {}
  explicit AttentionRecorder(AttentionMaps& maps) : maps_(&maps, 1) {}
  bool wants(std::string_view name) const override;
  void visit(std::string_view name, const Place& place, Values& values) override;

 private:
  std::span<AttentionMaps> maps_;
};

}  // namespace vitrine
