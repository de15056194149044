#include "layers/position/products.h"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

Tensor part(Tensor x, int64_t heads, int64_t h) { return x.columns(h * (x.cols / heads), x.cols / heads); }
Tensor part(const Tiles& x, int64_t h) { return part(x.base, x.heads, h); }
// The part of head h of embeddings, of which all heads may have the same.
Tensor part(Tensor e, const Tiles& x, int64_t h) { return e.cols < x.base.cols ? e : part(e, x.heads, h); }

}  // namespace

void offset_products(Backend& ops, Tiles r, Tiles x, Tensor e, Real scale) {
  for (int64_t h = 0; h < x.heads; ++h) ops.matmul(part(r, h), part(x, h), part(e, x, h).T(), scale);
}

void add_offset_rows(Backend& ops, Tiles x, Tiles r, Tensor e, Real scale) {
  for (int64_t h = 0; h < x.heads; ++h) ops.matmul(part(x, h), part(r, h), part(e, x, h), scale, Write::kAdd);
}

void offset_outer(Backend& ops, Tensor e, Tiles r, Tiles x, Real scale, Write write) {
  for (int64_t h = 0; h < x.heads; ++h) ops.matmul(part(e, x, h), part(r, h).T(), part(x, h), scale, write);
}

}  // namespace vitrine::inline VITRINE_PRECISION
