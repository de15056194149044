#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "data/batch.h"
#include "layers/probe.h"
#include "model/settings.h"

namespace vitrine {

// What stands in layers/probe.h of one model, in the order of a forward pass: what can be read and changed.
std::vector<std::string> activation_names(const ModelSettings& model);
std::string activation_name(int64_t layer, std::string_view activation);  // blocks.<layer>.<activation>
int64_t layer_of(std::string_view activation);                            // the inverse
bool is_weights(std::string_view activation);                             // blocks.<l>.attention.weights

// Activations of one pass over a batch. Those of [N,·] are kept whole, weights by sequence and head.
class Activations : public Probe {
 public:
  using Wanted = std::function<bool(std::string_view)>;
  explicit Activations(Wanted wanted) : wanted_(std::move(wanted)) {}
  explicit Activations(std::vector<std::string> names);
  bool wants(std::string_view name) const override { return wanted_(name); }
  void visit(std::string_view name, const Place& place, Values& values) override;

  struct Matrix {
    int64_t cols = 0;
    std::vector<double> values;
    std::span<const double> row(int64_t i) const { return {values.data() + i * cols, static_cast<size_t>(cols)}; }
  };
  const Matrix& at(std::string_view name) const;                               // [N,·] of the whole batch
  const Matrix& weights(int64_t layer, int64_t sequence, int64_t head) const;  // [T,T]

 private:
  friend class Intervention;
  using Key = std::pair<int64_t, int64_t>;  // sequence and head; (0, −1): [N,·]
  const Matrix& find(std::string_view name, Key key) const;
  Wanted wanted_;
  std::map<std::string, std::map<Key, Matrix>, std::less<>> activations_;
};

// Means over the rows of passes over any number of batches, of [N,·].
class ActivationMeans : public Probe {
 public:
  explicit ActivationMeans(std::vector<std::string> names);
  bool wants(std::string_view name) const override { return sums_.contains(name); }
  void visit(std::string_view name, const Place& place, Values& values) override;
  std::vector<double> mean(std::string_view name) const;

 private:
  struct Sum {
    int64_t rows = 0;
    std::vector<double> values;
  };
  std::map<std::string, Sum, std::less<>> sums_;
  std::vector<double> row_;
};

// Two in one pass: the second sees what the first has left.
class ProbePair : public Probe {
 public:
  ProbePair(Probe& first, Probe& second) : first_(first), second_(second) {}
  bool wants(std::string_view name) const override { return first_.wants(name) || second_.wants(name); }
  void visit(std::string_view name, const Place& place, Values& values) override {
    for (Probe* probe : {&first_, &second_})
      if (probe->wants(name)) probe->visit(name, place, values);
  }

 private:
  Probe &first_, &second_;
};

// Which numbers of an activation, −1 for all of a kind: of one sequence of the batch, one head (of query, key, value, output, weights), one
// position in its sequence (of weights, the query), one key (of weights).
struct Site {
  std::string activation;
  int64_t head = -1, position = -1, key = -1, sequence = -1;
};

// Changes activations while they are computed. What it does not name it does not touch, and what it writes is exact: replacing nothing
// gives the run itself, and replacing everything the run that it was taken from, bit for bit. (To look at weights makes cores that store
// none compute them, in another order: record both runs with the same names.)
class Intervention : public Probe {
 public:
  Intervention(const ModelSettings& model, const Batch& batch);

  // Each throws Error{kConfig} for a site that this model does not have. Of several for one site the last one holds.
  void replace(const Site& site, const Activations& other);  // by what stood there in a run over a batch of the same shape
  void zero(const Site& site);
  void set(const Site& site, std::vector<double> row);  // each of its rows, as many numbers as it has columns; not of weights
  // What passes along i ← j in one head, α_ij v_j, by what passes there in the other run: its weight alone, and its value. A row of
  // weights that had one replaced no longer sums to 1. Of batches of one sentence.
  void replace_edge(int64_t layer, int64_t head, int64_t i, int64_t j, const Activations& clean, const Activations& other);
  void clear() { edits_.clear(); }

  bool wants(std::string_view name) const override;
  void visit(std::string_view name, const Place& place, Values& values) override;

 private:
  enum class How { kReplace, kZero, kSet, kAdd };
  struct Edit {
    Site site;
    How how;
    const Activations* other;
    std::vector<double> row;
  };
  void add(Edit edit);
  void apply(const Edit& edit, const Place& place, Values& values);

  int64_t heads_;
  std::vector<std::string> names_;
  std::vector<Edit> edits_;
  std::vector<int64_t> offsets_;
  std::vector<double> buffer_;
};

}  // namespace vitrine
