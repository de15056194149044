#pragma once
#include <memory>

#include "layers/dropout.h"
#include "layers/norm.h"

namespace vitrine::inline VITRINE_PRECISION {

// x_i = E[token_i] + P[position_i] + S[type_i], then optionally a norm, then dropout (Devlin et al. 2019, §3; Vaswani et al. 2017,
// §3.4–3.5). P is learned, sinusoidal or absent:
//   P[t, 2i] = sin(t / 10000^(2i/D)),   P[t, 2i+1] = cos(t / 10000^(2i/D))
class Embedding {
 public:
  struct Settings {
    int64_t vocabulary, width, max_length, token_types;
    PositionKind position;
    bool norm;
    NormSettings norm_settings;
    double dropout;
  };
  explicit Embedding(const Settings& settings);

  void plan(Plan& p);
  Tensor forward(Step& s);  // [N,D]
  void backward(Step& s, Tensor dx);
  Parameter token() const { return E_; }  // [V,D], for a head that is tied to it

 private:
  Settings settings_;
  std::unique_ptr<Layer> norm_;
  Dropout dropout_;
  Parameter E_, P_, S_;
  Tensor table_, x_;
};

}  // namespace vitrine::inline VITRINE_PRECISION
