#pragma once
#include <memory>
#include <string>

#include "layers/layer.h"
#include "layers/settings.h"

namespace vitrine::inline VITRINE_PRECISION {

// How attention knows where its tokens stand: schemes that act on queries and keys, or on the scores S_ij, and see positions only
// through the offset j − i. Derived in relative_position.md. Positions that are added to the embedding are layers/embedding.h.

// What the schemes of all layers have in common. The encoder plans it once, before its blocks, and hands it to them.
class SharedPosition {
 public:
  SharedPosition(const PositionSettings& settings, int64_t width, int64_t heads);
  void plan(Plan& p);
  const PositionSettings& settings() const { return settings_; }

  Parameter weight;  // t5_bias: position.bias.weight [buckets,H];  disentangled: position.relative.weight [2k,D]
  // rotary: cosines and sines [L,width];  alibi: −m_h |j − i| [H,2L−1];  t5_bias: [bucket of the offset = row] [buckets,2L−1].
  // L is the longest sequence that memory is planned for, column L − 1 is offset 0.
  Tensor table;

 private:
  PositionSettings settings_;
  int64_t D_, H_;
};

// The scheme of one layer. Its calls, in the order of a step; a core that stores S makes those in the middle.
class RelativePosition {
 public:
  virtual ~RelativePosition() = default;
  virtual void plan(Plan&) {}
  virtual int64_t terms() const { return 1; }          // products that a score sums: its scale is 1/√(terms · d)
  virtual bool stores_scores() const { return true; }  // it acts on stored scores [T,T], so that no core may do without them

  // All that it adds to scores, where it is a number of each head for each offset: bias [H,2L−1], column L − 1 + j − i; empty: it is not.
  // For cores that store no scores; they set dbias in backward, unless it is empty: the bias is constant.
  virtual Tensor bias() const { return {}; }
  virtual Tensor dbias() const { return {}; }

  virtual void prepare(Step&, Tiles /*Q*/, Tiles /*K*/) {}  // before the core; may change Q and K in place
  virtual void add_scores(Step&, Tiles /*S*/, Tiles /*Q*/, Tiles /*K*/) {}
  virtual void add_values(Step&, Tiles /*O*/, Tiles /*P*/) {}  // P: the weights that multiplied the values

  virtual void values_backward(Step&, Tiles /*dP*/, Tiles /*P*/, Tiles /*dO*/) {}   // adds to dP
  virtual void scores_backward(Step&, Tiles /*dQ*/, Tiles /*dK*/, Tiles /*dS*/) {}  // adds to dQ and dK
  virtual void finish(Step&, Tiles /*dQ*/, Tiles /*dK*/) {}  // behind the core's backward; may change dQ and dK in place
};

// Null where attention has nothing to do: none, learned, sinusoidal. `name` is blocks.<l>.attention; `shared` must outlive it.
std::unique_ptr<RelativePosition> make_relative_position(const std::string& name, int64_t width, int64_t heads,
                                                         const SharedPosition& shared);

}  // namespace vitrine::inline VITRINE_PRECISION
