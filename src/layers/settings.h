#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace vitrine {

// What a configuration says of single layers. The enumerators have the names of the file.
enum class ActivationKind { kGelu, kGeluTanh, kRelu, kSilu, kSwiglu, kGeglu };
enum class NormKind { kLayer, kRms };
enum class NormPlace { kPre, kPost };
enum class PositionKind { kNone, kLearned, kSinusoidal, kRotary, kAlibi, kT5Bias, kShaw, kDisentangled };
enum class AttentionKind {  // where the weights come from; causal is a switch of its own
  kFull,
  kLocal,
  kBlockSparse,
  kTopK,
  kEntmax,
  kAdaptiveSpan,
  kLinear,
  kPerformer,
  kRouting,
};
enum class AttentionImplementation { kAuto, kDense, kFused };

struct NormSettings {
  NormKind kind = NormKind::kLayer;
  NormPlace place = NormPlace::kPre;
  double epsilon = 1e-5;
  bool operator==(const NormSettings&) const = default;
};
struct DropoutSettings {  // rates, by place
  double embedding = 0, attention = 0, residual = 0, hidden = 0;
  bool operator==(const DropoutSettings&) const = default;
};
struct PositionSettings {
  PositionKind kind = PositionKind::kLearned;
  int64_t distance = 16;                     // shaw, disentangled: offsets beyond it count as this one
  bool values = false;                       // shaw: relative values too
  int64_t buckets = 32, max_distance = 128;  // t5_bias
  double base = 10000;                       // rotary: of its angles …
  int64_t width = 0;                         // … and how many numbers of a head turn; 0: all
  // A table with a row for each position of a sequence, which limits its length.
  bool has_table() const { return kind == PositionKind::kLearned || kind == PositionKind::kSinusoidal; }
  bool operator==(const PositionSettings&) const = default;
};
struct AttentionSettings {
  AttentionKind kind = AttentionKind::kFull;
  bool causal = false;
  AttentionImplementation implementation = AttentionImplementation::kAuto;
  std::vector<int64_t> window{0};                 // each side: tokens of local, for all heads or for each; blocks of block_sparse
  int64_t block = 16;                             // block_sparse: tokens of a block,
  int64_t global = 0, random = 0, stride = 0;     // the first tokens, random blocks of a block row, every stride-th block
  int64_t k = 0;                                  // top_k
  double alpha = 1.5;                             // entmax; 0: learned, from 1.5
  int64_t max_span = 0;                           // adaptive_span: the farthest that a head can learn to look, in tokens
  double ramp = 32, initial = 0, penalty = 2e-6;  // of the mask; the first span; of the gradient, for each token of span
  int64_t features = 0;                           // performer: m; 0: 4 d
  int64_t redraw = 1000;                          // performer: steps between two draws of the features; 0: never
  int64_t clusters = 0;                           // routing: c
  double decay = 0.999;                           // routing: of the centroids' moving average
  int64_t window_of(int64_t head) const { return window[window.size() > 1 ? static_cast<size_t>(head) : 0]; }
  bool operator==(const AttentionSettings&) const = default;
};

}  // namespace vitrine
