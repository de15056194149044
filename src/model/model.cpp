#include "model/model.h"

#include <utility>

namespace vitrine::inline VITRINE_PRECISION {

Model::Model(const ModelSettings& m, uint64_t seed, int64_t vocabulary, std::vector<std::unique_ptr<Objective>> objectives)
    : embedding_({.vocabulary = vocabulary,
                  .width = m.width,
                  .max_length = m.max_length,
                  .token_types = m.token_types,
                  .position = m.position.kind,
                  .norm = m.embedding_norm,
                  .norm_settings = m.norm,
                  .dropout = m.dropout.embedding}),
      encoder_(m, seed),
      objectives_(std::move(objectives)) {}

void Model::plan(Plan& p) {
  embedding_.plan(p);
  encoder_.plan(p);
  for (const auto& objective : objectives_) objective->plan(p, embedding_.token());
}

void Model::forward(Step& s) {
  const bool all = objectives_.size() > 1 || s.probe;  // a probe sees every row
  s.read = read_ = all ? nullptr : objectives_[0]->reads(s.in);
  const Tensor h = encoder_.forward(s, embedding_.forward(s));
  for (const auto& objective : objectives_) objective->forward(s, h);
}

void Model::backward(Step& s) {
  s.read = read_;
  const Tensor dh = objectives_[0]->backward(s);
  for (size_t k = 1; k < objectives_.size(); ++k) s.ops.add(dh, dh, objectives_[k]->backward(s));
  embedding_.backward(s, encoder_.backward(s, dh));
}

}  // namespace vitrine::inline VITRINE_PRECISION
