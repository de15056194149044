#include "layers/attention/core.h"

#include "layers/attention/dense.h"

namespace vitrine::inline VITRINE_PRECISION {

std::unique_ptr<AttentionCore> make_attention_core(const CoreShape& shape, const AttentionSettings& settings) {
  return std::make_unique<DenseAttention>(shape, settings.causal ? Mask::kCausal : Mask::kNone);
}

}  // namespace vitrine::inline VITRINE_PRECISION
