#include "layers/inputs.h"

namespace vitrine::inline VITRINE_PRECISION {

void Inputs::load(Backend& ops, const Batch& batch, int64_t first_sequence_in_batch) {
  first_row = batch.first_row;
  first_sequence = first_sequence_in_batch;
  packing.clear();
  host_positions_.clear(), host_first_tokens_.clear();
  for (int64_t b = 0; b < batch.sequence_count(); ++b) {
    const int64_t T = batch.length(b);
    packing.add(T);
    host_first_tokens_.push_back(static_cast<int32_t>(batch.offsets[b]));
    for (int64_t t = 0; t < T; ++t) host_positions_.push_back(static_cast<int32_t>(t));
  }
  if (batch.types.empty())
    host_types_.assign(batch.tokens.size(), 0);
  else
    host_types_.assign(batch.types.begin(), batch.types.end());
  ops.begin_step();
  tokens = ops.upload(batch.tokens);
  positions = ops.upload(host_positions_);
  types = ops.upload(host_types_);
  first_tokens = ops.upload(host_first_tokens_);
  targets.resize(batch.targets.size());
  for (size_t k = 0; k < targets.size(); ++k) {
    const Targets& from = batch.targets[k];
    targets[k].rows = ops.upload(from.rows), targets[k].classes = ops.upload(from.classes);
    targets[k].values.assign(from.values.begin(), from.values.end());
    targets[k].weight = from.weight;
  }
}

}  // namespace vitrine::inline VITRINE_PRECISION
