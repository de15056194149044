#pragma once
#include <vector>

#include "tensor/tensor.h"

namespace vitrine::inline VITRINE_PRECISION {

// Whole numbers (token ids, row numbers, classes) where the backend computes. A view, like Tensor.
struct Indices {
  const int32_t* data = nullptr;
  int64_t size = 0;
};

// How a batch is packed: sequence b is the rows offset[b] … offset[b+1] of every [N,·] tensor. No padding anywhere.
struct Packing {
  std::vector<int64_t> offset{0};       // B+1
  std::vector<int64_t> pair_offset{0};  // B+1: Σ_{c<b} T_c²

  void clear() { offset.assign(1, 0), pair_offset.assign(1, 0); }
  void add(int64_t length) {
    offset.push_back(offset.back() + length);
    pair_offset.push_back(pair_offset.back() + length * length);
  }
  int64_t sequences() const { return static_cast<int64_t>(offset.size()) - 1; }  // B
  int64_t tokens() const { return offset.back(); }                               // N
  int64_t pairs() const { return pair_offset.back(); }                           // Σ T_b²
  int64_t length(int64_t b) const { return offset[b + 1] - offset[b]; }          // T_b
};

// The matrices of all (sequence, head) pairs seen at once, so that one call (one launch) computes them all.
struct Tiles {
  Tensor base;
  const Packing* packing = nullptr;
  int64_t heads = 1;
  bool square = false;  // false: [T_b, d] inside x [N, H·d].  true: [T_b, T_b], as [b][h][T_b][T_b] one after the other

  Tensor operator()(int64_t b, int64_t h) const {
    const int64_t T = packing->length(b);
    if (square) return {base.data + heads * packing->pair_offset[b] + h * T * T, T, T, T};
    const int64_t d = base.cols / heads;
    return base.slice(packing->offset[b], T).columns(h * d, d);
  }
  Operand<Tiles> T() const { return {*this, true}; }
};

// f(b, h) for the tile of every sequence and head.
template <class F>
void each_tile(const Tiles& tiles, F f) {
  for (int64_t b = 0; b < tiles.packing->sequences(); ++b) {
    for (int64_t h = 0; h < tiles.heads; ++h) f(b, h);
  }
}

}  // namespace vitrine::inline VITRINE_PRECISION
