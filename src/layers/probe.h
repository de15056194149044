#pragma once
#include <cstdint>
#include <span>
#include <string_view>

namespace vitrine {

// The numbers of one activation, wherever and in whatever precision they are. double holds a float exactly, so what is read
// from one run and written into another arrives bit for bit.
class Values {
 public:
  virtual ~Values() = default;
  virtual int64_t rows() const = 0;
  virtual int64_t cols() const = 0;
  virtual void read(int64_t row, int64_t first_column, std::span<double> out) const = 0;
  virtual void write(int64_t row, int64_t first_column, std::span<const double> in) = 0;
};

// Where the numbers belong in the whole batch.
struct Place {
  int64_t first_row = 0;       // row of the whole batch that is row 0 of the values
  int64_t first_sequence = 0;  // the sequence that row 0 belongs to
  int64_t head = -1;           // attention weights come one head of one sequence at a time; −1 for everything else
};

// Looks at activations during a forward pass and may change them: recording and interventions. Names, for block l:
//   blocks.<l>.attention.query | .key | .value   [N,D], head h is columns h·d … (h+1)·d; before rotary turns them
//   blocks.<l>.attention.weights                 [T,T] of one sequence and head: rows are queries, columns are keys
//   blocks.<l>.attention.output                  [N,D] the heads' outputs, before W_O; head h is columns h·d … (h+1)·d; gradient.<name>: ∂loss/∂ it
//   blocks.<l>.feed_forward                      [N,D] what it adds to the residual stream
//   blocks.<l>.residual                          [N,D] after block l;   embedding [N,D]: before block 0; gradient.embedding
//   encoder                                      [N,D] what the heads read: the last residual, behind the final norm where there is one
class Probe {
 public:
  virtual ~Probe() = default;
  virtual bool wants(std::string_view name) const = 0;
  virtual void visit(std::string_view name, const Place& place, Values& values) = 0;
};

}  // namespace vitrine
