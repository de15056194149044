#pragma once
#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>

namespace vitrine {

// Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): a random number is a pure function of a
// key and a counter. No generator has state, so nothing depends on order, on threads, or on where a run was resumed.
using Philox4 = std::array<uint32_t, 4>;

constexpr Philox4 philox(Philox4 c, uint64_t key) {
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53} * c[0], p1 = uint64_t{0xCD9E8D57} * c[2];
    c = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k0, static_cast<uint32_t>(p1), static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k1,
         static_cast<uint32_t>(p0)};
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return c;
}

// What a random number is for. The values are part of the meaning of a seed: append, never renumber.
enum class Purpose : uint32_t {
  kInitialise = 1,    // parameters
  kShuffle = 2,       // order of an epoch
  kSplit = 3,         // validation by share
  kMask = 4,          // which tokens are masked, and by what
  kGrammar = 5,       // sentences of the toy grammar
  kRandomTokens = 6,  // data.kind random
  kDropoutEmbedding = 7,
  kDropoutAttention = 8,
  kDropoutResidual = 9,  // after the attention (head 0) and the feed-forward (head 1)
  kDropoutHidden = 10,
  kBootstrap = 11,       // intervals
  kTask = 12,            // sequences of a synthetic task
  kGenerate = 13,        // which token comes next
  kBlocks = 14,          // random blocks of block-sparse attention
  kRandomFeatures = 15,  // of performer attention: the directions ω
};

// One family of random numbers: (seed; purpose · layer · head, step). Inside it a number has a row and a column; rows are counted
// in the *whole* batch, so that cutting a batch into micro-batches changes no mask.
struct RngKey {
  uint64_t seed = 0;
  uint32_t stream = 0;  // purpose · layer · head
  uint32_t step = 0;

  static constexpr uint32_t make_stream(Purpose purpose, uint32_t layer = 0, uint32_t head = 0) {
    return static_cast<uint32_t>(purpose) << 24 | (layer & 0xFFF) << 12 | (head & 0xFFF);
  }
  constexpr RngKey of(Purpose purpose, uint32_t layer = 0, uint32_t head = 0) const {
    return {seed, make_stream(purpose, layer, head), step};
  }
  // Four numbers, those of columns 4·quad … 4·quad + 3.
  constexpr Philox4 bits(uint32_t row, uint32_t quad) const { return philox({quad, row, step, stream}, seed); }
  constexpr uint32_t word(uint32_t row, uint32_t column) const { return bits(row, column / 4)[column % 4]; }
  // Uniform in [0, 1) with 32 bits; and an integer in [0, n) without modulo bias worth the name (n < 2^32).
  constexpr double uniform(uint32_t row, uint32_t column) const { return word(row, column) * 0x1p-32; }
  constexpr uint32_t below(uint32_t n, uint32_t row, uint32_t column) const {
    return static_cast<uint32_t>(uint64_t{word(row, column)} * n >> 32);
  }
  // Standard normal (Box and Muller 1958), two of the four numbers of a quad each.
  double normal(uint32_t row, uint32_t column) const {
    const Philox4 b = bits(row, column / 2);
    const double radius = std::sqrt(-2 * std::log((b[0] + 1.0) * 0x1p-32)), angle = 6.283185307179586 * (b[1] * 0x1p-32);
    return column % 2 == 0 ? radius * std::cos(angle) : radius * std::sin(angle);
  }
};

// FNV-1a. Names become streams of random numbers with it, so that a new parameter does not change the others'.
constexpr uint32_t hash_name(std::string_view name) {
  uint32_t h = 2166136261u;
  for (char c : name) h = (h ^ static_cast<unsigned char>(c)) * 16777619u;
  return h;
}

}  // namespace vitrine
