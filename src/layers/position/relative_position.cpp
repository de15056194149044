#include "layers/position/relative_position.h"

#include <cmath>
#include <cstdlib>

#include "layers/linear.h"
#include "layers/position/disentangled.h"
#include "layers/position/formulas.h"
#include "layers/position/offset_bias.h"
#include "layers/position/rotary.h"
#include "layers/position/shaw.h"

namespace vitrine::inline VITRINE_PRECISION {

SharedPosition::SharedPosition(const PositionSettings& settings, int64_t width, int64_t heads)
    : settings_(settings), D_(width), H_(heads) {
  if (settings_.width == 0) settings_.width = D_ / H_;
}

void SharedPosition::plan(Plan& p) {
  const int64_t L = p.extent.longest, offsets = 2 * L - 1;
  const PositionSettings& o = settings_;
  switch (o.kind) {
    case PositionKind::kRotary:
      table = p.table(L, o.width, [width = o.width, base = o.base](int64_t t, int64_t j) {
        const double angle = rotary_angle(t, j / 2, width, base);
        return j % 2 == 0 ? std::cos(angle) : std::sin(angle);
      });
      break;
    case PositionKind::kAlibi:
      table =
          p.table(H_, offsets, [H = H_, L](int64_t h, int64_t c) { return -alibi_slope(h, H) * double(std::abs(c - L + 1)); });
      break;
    case PositionKind::kT5Bias:
      weight = p.matrix("position.bias.weight", o.buckets, H_, Init::normal(kWeightDeviation));
      table = p.table(o.buckets, offsets, [n = o.buckets, most = o.max_distance, L](int64_t bucket, int64_t c) {
        return t5_bucket(c - L + 1, n, most) == bucket ? 1.0 : 0.0;
      });
      break;
    case PositionKind::kDisentangled:
      weight = p.matrix("position.relative.weight", 2 * o.distance, D_, Init::normal(kWeightDeviation));
      break;
    case PositionKind::kShaw:
    case PositionKind::kNone:
    case PositionKind::kLearned:
    case PositionKind::kSinusoidal: break;
  }
}

std::unique_ptr<RelativePosition> make_relative_position(const std::string& name, int64_t width, int64_t heads,
                                                         const SharedPosition& shared) {
  switch (shared.settings().kind) {
    case PositionKind::kRotary: return std::make_unique<Rotary>(shared);
    case PositionKind::kAlibi: return std::make_unique<Alibi>(shared);
    case PositionKind::kT5Bias: return std::make_unique<T5Bias>(shared);
    case PositionKind::kShaw: return std::make_unique<Shaw>(name, width, heads, shared.settings());
    case PositionKind::kDisentangled: return std::make_unique<Disentangled>(name, width, heads, shared);
    case PositionKind::kNone:
    case PositionKind::kLearned:
    case PositionKind::kSinusoidal: break;
  }
  return nullptr;
}

}  // namespace vitrine::inline VITRINE_PRECISION
