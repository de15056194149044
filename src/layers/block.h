#pragma once
#include <memory>
#include <string>

#include "layers/feed_forward.h"
#include "layers/norm.h"
#include "layers/self_attention.h"

namespace vitrine::inline VITRINE_PRECISION {

// One encoder block, A attention, F feed-forward, each followed by dropout:
//   pre   u = x + A(Norm(x))       y = u + F(Norm(u))       (Xiong et al. 2020)
//   post  u = Norm(x + A(x))       y = Norm(u + F(u))       (Vaswani et al. 2017)
// The last block of an encoder computes u and y only for the rows of Step::read: attention is the last place where rows meet.
class Block : public Layer {
 public:
  struct Settings {
    NormSettings norm;
    SelfAttention::Settings attention;
    FeedForward::Settings feed_forward;
    double dropout;  // of what is added to the residual stream
  };
  Block(const std::string& name, int64_t layer, const Settings& settings);

  void plan(Plan& p) override;
  Tensor forward(Step& s, Tensor x) override;
  Tensor backward(Step& s, Tensor dy) override;

 private:
  Tensor attend(Step& s, Tensor x);  // dropout(A(x))
  Tensor feed(Step& s, Tensor u);    // dropout(F(u))
  Tensor attend_backward(Step& s, Tensor dy);
  Tensor feed_backward(Step& s, Tensor dy);

  std::string name_feed_forward_, name_residual_;  // for the probe
  bool pre_, last_;
  int64_t D_;
  std::unique_ptr<Layer> attention_norm_, feed_forward_norm_;
  SelfAttention attention_;
  Rows rows_;
  FeedForward feed_forward_;
  Dropout attention_dropout_, feed_forward_dropout_;
  Tensor u_, y_, du_, dx_;
};

}  // namespace vitrine::inline VITRINE_PRECISION
