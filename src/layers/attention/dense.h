#pragma once
#include <string>
#include <vector>

#include "layers/attention/core.h"

namespace vitrine::inline VITRINE_PRECISION {

// Softmax attention that keeps its weights (Vaswani et al. 2017, §3.2.1): the page to read first, derived in dense.md.
//   S = Q Kᵀ / √d          P = softmax(S) over the keys that the pattern lets a query see          O = P V
// What makes weights of a row of scores may be another function than softmax: then dS is its own, and all the rest is the same.
class DenseAttention : public AttentionCore {
 public:
  DenseAttention(const CoreShape& shape, const Pattern& pattern);
  void plan(Plan& p) override;
  Tiles forward(Step& s, Tiles Q, Tiles K, Tiles V) override;
  void backward(Step& s, Tiles dQ, Tiles dK, Tiles dV, Tiles dO) override;

 protected:
  virtual void normalise(Step& s, Tiles P);                     // P = softmax(S), where S stands
  virtual void normalise_backward(Step& s, Tiles dP, Tiles P);  // dS, where dP stands

  int64_t H_, D_;
  std::vector<int64_t> windows_;  // of pattern_
  Pattern pattern_;

 private:
  bool dropping(const Step& s) const { return s.training && rate_ > 0; }
  RngKey key(const Step& s) const { return {s.rng.seed, stream_, s.rng.step}; }
  Tiles drop(Step& s, Tiles P) const;

  std::string weights_name_;
  RelativePosition* position_;  // adds to the scores what depends on j − i; null: none
  Real scale_, rate_;           // 1/√d, or of a score that sums n products 1/√(n d); dropout of the weights
  uint32_t stream_;             // of its random numbers: head h draws from stream_ + h
  Tensor P_, R_, O_, dP_;
  Tiles Q_, K_, V_;
};

}  // namespace vitrine::inline VITRINE_PRECISION
