#include "layers/embedding.h"

#include <cmath>

namespace vitrine::inline VITRINE_PRECISION {
namespace {
constexpr double kDeviation = 0.02;  // of all three tables, as BERT and GPT-2 start
}

Embedding::Embedding(const Settings& settings)
    : settings_(settings), dropout_(settings.dropout, settings.width, Purpose::kDropoutEmbedding) {
  if (settings.norm) norm_ = make_norm("embedding.norm", settings.width, settings.norm_settings);
}

void Embedding::plan(Plan& p) {
  const int64_t D = settings_.width;
  const Init init = Init::normal(kDeviation);
  E_ = p.matrix("embedding.token.weight", settings_.vocabulary, D, init);
  if (settings_.position == PositionKind::kLearned) P_ = p.matrix("embedding.position.weight", settings_.max_length, D, init);
  if (settings_.position == PositionKind::kSinusoidal)
    table_ = p.table(settings_.max_length, D, [D](int64_t t, int64_t j) {
      const double angle = double(t) / std::pow(10000.0, double(j - j % 2) / double(D));
      return j % 2 == 0 ? std::sin(angle) : std::cos(angle);
    });
  if (settings_.token_types > 0) S_ = p.matrix("embedding.type.weight", settings_.token_types, D, init);
  x_ = p.activations.take(p.extent.tokens, D);
  if (norm_) norm_->plan(p);
  dropout_.plan(p);
}

Tensor Embedding::forward(Step& s) {
  const Tensor x = x_.top(s.in.tokens.size);
  s.ops.gather(x, E_.value, s.in.tokens);                                                                    // x = E[token]
  if (settings_.position == PositionKind::kLearned) s.ops.gather(x, P_.value, s.in.positions, Write::kAdd);  // + P[position]
  if (settings_.position == PositionKind::kSinusoidal) s.ops.gather(x, table_, s.in.positions, Write::kAdd);
  if (settings_.token_types > 0) s.ops.gather(x, S_.value, s.in.types, Write::kAdd);  // + S[type]
  const Tensor y = dropout_.forward(s, norm_ ? norm_->forward(s, x) : x);
  s.show("embedding", y);
  return y;
}

void Embedding::backward(Step& s, Tensor dy) {
  s.show("gradient.embedding", dy);
  Tensor dx = dropout_.backward(s, dy);
  if (norm_) dx = norm_->backward(s, dx);
  s.ops.scatter_add(E_.grad, dx, s.in.tokens);  // dE[token] += dx
  if (settings_.position == PositionKind::kLearned) s.ops.scatter_add(P_.grad, dx, s.in.positions);
  if (settings_.token_types > 0) s.ops.scatter_add(S_.grad, dx, s.in.types);
}

}  // namespace vitrine::inline VITRINE_PRECISION
