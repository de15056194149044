#include "train/lanes.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace vitrine {
namespace {

constexpr int64_t kMicroBatch = 512;      // tokens: activations of a block stay in a core's caches
constexpr int64_t kTokensPerLane = 1024;  // fewer do not pay for one more gradient buffer to clear and to add …
constexpr int64_t kTokensForTwo = 128;    // … but a second core helps even then
constexpr int64_t kMostLanes = 8;

int64_t automatic_lanes(int64_t batch_tokens, int64_t batch_sequences) {
  const int64_t least = batch_tokens >= kTokensForTwo ? 2 : 1;
  const int64_t lanes =
      std::min(std::clamp(batch_tokens / kTokensPerLane, least, kMostLanes), std::max<int64_t>(1, batch_sequences));
  return int64_t(std::bit_floor(uint64_t(lanes)));
}

int64_t predicted_rows(const EngineSettings& s, int64_t tokens, int64_t sequences) {
  int64_t most = 0;
  for (const ObjectiveSettings& o : s.objectives) {
    if (o.kind == ObjectiveKind::kCausalLm || o.kind == ObjectiveKind::kTokenClassification) most = tokens;
    if (o.kind == ObjectiveKind::kMaskedLm)  // round(rate·T), at least one a sequence
      most = std::max(most, std::min(tokens, int64_t(std::ceil(o.rate * double(tokens))) + sequences));
  }
  return most;
}

}  // namespace

Layout layout_of(const EngineSettings& s) {
  Layout l{};
  const bool on_cpu = s.device.kind == Device::kCpu;  // another device is busy with a whole batch
  l.lanes = !on_cpu ? 1 : s.training.lanes > 0 ? s.training.lanes : automatic_lanes(s.batch_tokens, s.batch_sequences);
  l.micro_batch = s.training.micro_batch > 0 ? s.training.micro_batch : on_cpu ? kMicroBatch : s.batch_tokens;
  l.longest = s.longest;
  // A lane's share of a batch may be less than a micro-batch; cutting between sequences moves it by at most one of them.
  const int64_t share = (s.batch_tokens + l.lanes - 1) / l.lanes + s.longest;
  l.tokens = std::max(s.longest, std::min(l.micro_batch, share));
  l.sequences = std::max<int64_t>(1, std::min(s.batch_sequences, l.tokens / std::max<int64_t>(1, s.shortest)));
  l.pairs = l.tokens * l.longest;
  l.predicted = predicted_rows(s, l.tokens, l.sequences);
  return l;
}

}  // namespace vitrine
