#pragma once
#include "backend/backend.h"

namespace vitrine::inline VITRINE_PRECISION {

// Products with embeddings E of offsets, head by head: X [N,H·d], R [N,H·n], and E [n,H·d], or [n,d] for all heads.
//   R_h = scale X_h E_hᵀ              X_h += scale R_h E_h              E_h (+)= scale R_hᵀ X_h
void offset_products(Backend& ops, Tiles r, Tiles x, Tensor e, Real scale);
void add_offset_rows(Backend& ops, Tiles x, Tiles r, Tensor e, Real scale);
void offset_outer(Backend& ops, Tensor e, Tiles r, Tiles x, Real scale, Write write);

}  // namespace vitrine::inline VITRINE_PRECISION
