#pragma once
#include <functional>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "tensor/arena.h"

namespace vitrine::inline VITRINE_PRECISION {

// How a parameter starts: normal with this standard deviation, or constant.
struct Init {
  double deviation = 0, constant = 0;
  static Init normal(double deviation) { return {deviation, 0}; }
  static Init value(double constant) { return {0, constant}; }
};

struct Parameter {
  Tensor value, grad;
};

// A parameter under its public name: what checkpoints, goldens, gradient checks and the optimizer see.
struct NamedParameter {
  std::string name;
  Parameter at;
  Init init;
  bool is_vector;  // biases, norms: shape [n] in files, no weight decay.   Matrices: [out,in], decayed
};

// What a layer keeps from step to step and no gradient moves: random features, centroids. The values lie among the parameters: one for all
// lanes, saved with them under the name and `shape`. The statistics lie among the gradients: backward adds to them, they are zero before a
// batch, and summed over lanes as gradients are. After each update `advance` makes the next step's values of both.
struct NamedState {
  std::string name;
  std::vector<int64_t> shape;
  Tensor value, statistics;                       // of equal sizes
  std::function<void(Backend&, RngKey)> start;    // key: the seed
  std::function<void(Backend&, RngKey)> advance;  // key: the seed, and the step that was done
};

// A constant that is computed once on the host: f(row, column).
struct Table {
  Tensor at;
  std::function<double(int64_t, int64_t)> f;
};

// The most that one micro-batch may hold; memory is planned for it.
struct Extent {
  int64_t tokens = 0, sequences = 0, longest = 0, pairs = 0, predicted = 0;
};

// Takes all the memory that a model will ever use. Four lifetimes, four arenas; `params` and `grads` are taken in lockstep, so
// that equal offsets mean the same parameter and the optimizer, clipping and checkpoints are calls over one buffer.
struct Plan {
  Extent extent;
  Arena params, grads, activations, gradients, tables;
  std::vector<NamedParameter> parameters;
  std::vector<Table> constants;
  std::vector<NamedState> states;

  Parameter matrix(const std::string& name, int64_t rows, int64_t cols, Init init);
  Parameter vector(const std::string& name, int64_t size, Init init);
  // Several parameters of one shape that lie one after the other and are multiplied as one: names.size()·rows × cols.
  Parameter stacked_matrix(const std::vector<std::string>& names, int64_t rows, int64_t cols, Init init);
  Parameter stacked_vector(const std::vector<std::string>& names, int64_t size, Init init);
  NamedState& state(const std::string& name, std::vector<int64_t> shape, int64_t rows, int64_t cols);
  Tensor table(int64_t rows, int64_t cols, std::function<double(int64_t, int64_t)> f);
};

}  // namespace vitrine::inline VITRINE_PRECISION
