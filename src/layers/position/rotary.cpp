#include "layers/position/rotary.h"

namespace vitrine::inline VITRINE_PRECISION {

// q_t ← R_t q_t,  k_t ← R_t k_t with a rotation R_t
void Rotary::prepare(Step& s, Tiles Q, Tiles K) {
  s.ops.rotate(Q, shared_.table, false);
  s.ops.rotate(K, shared_.table, false);
}

// dq_t ← R_tᵀ dq_t,  and R_tᵀ = R_{−t}
void Rotary::finish(Step& s, Tiles dQ, Tiles dK) {
  s.ops.rotate(dQ, shared_.table, true);
  s.ops.rotate(dK, shared_.table, true);
}

}  // namespace vitrine::inline VITRINE_PRECISION
