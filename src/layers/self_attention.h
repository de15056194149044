#pragma once
#include <memory>
#include <string>

#include "layers/attention/core.h"
#include "layers/linear.h"
#include "layers/position/relative_position.h"
#include "layers/rows.h"

namespace vitrine::inline VITRINE_PRECISION {

// Multi-head self-attention (Vaswani et al. 2017, §3.2.2): project, attend in each head, project back.
//   [Q K V] = x W_qkvᵀ + b_qkv,   O = core(Q, K, V),   y = O W_oᵀ + b_o.   Head h is columns h·d … (h+1)·d, d = D/H.
// A relative position scheme acts on Q and K before the core, or on the scores in it.
class SelfAttention : public Layer {
 public:
  struct Settings {
    int64_t width, heads;
    AttentionSettings attention;
    double dropout;                            // of the weights
    Init output;                               // W_o writes into the residual stream and starts smaller
    uint64_t seed = 0;                         // of the run
    const SharedPosition* position = nullptr;  // of the encoder, outlives this; null: no relative positions
    bool last = false;                         // of the last block: y has only the rows of Step::read
  };
  SelfAttention(const std::string& name, int64_t layer, const Settings& settings);

  void plan(Plan& p) override;
  Tensor forward(Step& s, Tensor x) override;
  Tensor backward(Step& s, Tensor dy) override;

 private:
  struct Triple {
    Tiles q, k, v;
  };
  Triple split(const Step& s, Tensor qkv) const;  // views, no copies

  std::string name_query_, name_key_, name_value_, name_output_, name_gradient_;  // for the probe
  int64_t D_, H_;
  bool last_;
  Linear projection_;
  std::unique_ptr<RelativePosition> position_;  // null: none
  std::unique_ptr<AttentionCore> core_;
  Rows rows_;
  Linear output_;
  Tensor dqkv_;
};

}  // namespace vitrine::inline VITRINE_PRECISION
