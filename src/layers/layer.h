#pragma once
#include <string_view>

#include "backend/backend.h"
#include "layers/inputs.h"
#include "layers/plan.h"
#include "layers/probe.h"

namespace vitrine::inline VITRINE_PRECISION {

// What is true for this step only.
struct Step {
  Backend& ops;
  const Inputs& in;
  bool training = false;   // dropout is on
  RngKey rng{};            // of dropout: seed and step
  Probe* probe = nullptr;  // looks at activations, and may change them
  bool measuring = false;  // losses are −log p of the truth alone, without label smoothing and class weights
  // Where the heads read few rows of what the encoder says, the last block computes only those behind its attention. Null: all.
  const Indices* read = nullptr;
  // Those rows, if x holds them and no others. (If they are all there are, both are the same.)
  const Indices* rows_of(Tensor x) const { return read && x.rows == read->size ? read : nullptr; }

  Tiles heads(Tensor x, int64_t H) const { return {x, &in.packing, H, false}; }  // [T_b, d] of x [N, H·d]
  Tiles scores(Tensor s, int64_t H) const { return {s, &in.packing, H, true}; }  // [T_b, T_b]

  void show(std::string_view name, Tensor x) const;       // [N,·] to the probe, if it wants this
  void show(std::string_view name, Tiles weights) const;  // [T_b, T_b], one sequence and head after the other
};

// The contract of backward: given dy = ∂loss/∂y it *sets* and returns dx = ∂loss/∂x, and *adds* to the gradients of the layer's
// parameters. It may be called more than once after a forward: dx is the same again, parameter gradients grow.
class Layer {
 public:
  virtual ~Layer() = default;
  virtual void plan(Plan& p) = 0;                 // takes all memory this layer will ever use
  virtual Tensor forward(Step& s, Tensor x) = 0;  // returns y; keeps what backward needs
  virtual Tensor backward(Step& s, Tensor dy) = 0;
};

}  // namespace vitrine::inline VITRINE_PRECISION
