#include "base/random_words.h"

#include <cstring>
#include <utility>

#ifdef __SSE2__
#include <immintrin.h>
#endif

namespace vitrine {
namespace {

// Philox as in rng.h, with one counter in each 64-bit number of a vector: there the product of two 32-bit halves is one instruction.
#if defined(__AVX512F__)
constexpr int kBytes = 64;
#elif defined(__AVX2__)
constexpr int kBytes = 32;
#else
constexpr int kBytes = 16;
#endif
constexpr int kLanes = kBytes / 8, kVectors = 2;  // two, for the time that a product takes
static_assert(kQuadsAtOnce % (kLanes * kVectors) == 0);

typedef uint64_t Vector __attribute__((vector_size(kBytes)));

// The product of the lower halves; upper halves may hold anything.
Vector multiply(Vector a, uint32_t b) {
  const Vector factor = Vector{} + b;
#if defined(__AVX512F__)
  return (Vector)_mm512_mul_epu32((__m512i)a, (__m512i)factor);
#elif defined(__AVX2__)
  return (Vector)_mm256_mul_epu32((__m256i)a, (__m256i)factor);
#elif defined(__SSE2__)
  return (Vector)_mm_mul_epu32((__m128i)a, (__m128i)factor);
#else
  return (a & 0xFFFFFFFF) * factor;
#endif
}

template <size_t... l>
Vector count(std::index_sequence<l...>) {
  return Vector{l...};
}

// out = a₀ b₀ a₁ b₁ …
template <size_t... l>
void store_interleaved(uint32_t* out, Vector a, Vector b, std::index_sequence<l...>) {
  const Vector low = __builtin_shufflevector(a, b, (l % 2 * kLanes + l / 2)...);
  const Vector high = __builtin_shufflevector(a, b, (l % 2 * kLanes + (l + kLanes) / 2)...);
  std::memcpy(out, &low, kBytes);
  std::memcpy(out + kBytes / 4, &high, kBytes);
}

template <int vectors>
void quads_at_once(uint32_t* out, RngKey key, uint32_t row, uint32_t quad) {
  constexpr auto lanes = std::make_index_sequence<kLanes>{};
  Vector c0[vectors], c1[vectors], c2[vectors], c3[vectors];
  for (uint32_t v = 0; v < vectors; ++v) {
    c0[v] = count(lanes) + (quad + v * kLanes), c1[v] = Vector{} + row, c2[v] = Vector{} + key.step,
    c3[v] = Vector{} + key.stream;
  }
  uint32_t k0 = static_cast<uint32_t>(key.seed), k1 = static_cast<uint32_t>(key.seed >> 32);
#pragma GCC unroll 10
  for (int round = 0; round < 10; ++round) {
    for (int v = 0; v < vectors; ++v) {
      const Vector p0 = multiply(c0[v], 0xD2511F53), p1 = multiply(c2[v], 0xCD9E8D57);
      c0[v] = (p1 >> 32) ^ c1[v] ^ uint64_t { k0 }, c1[v] = p1;
      c2[v] = (p0 >> 32) ^ c3[v] ^ uint64_t { k1 }, c3[v] = p0;
    }
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  for (int v = 0; v < vectors; ++v) {
    const Vector a = (c0[v] & 0xFFFFFFFF) | (c1[v] << 32), b = (c2[v] & 0xFFFFFFFF) | (c3[v] << 32);
    store_interleaved(out + 4 * kLanes * v, a, b, lanes);
  }
}

}  // namespace

void random_words(uint32_t* out, RngKey key, uint32_t row, uint32_t first_quad, int64_t quads) {
  int64_t q = 0;
  for (; q + kLanes < quads; q += kVectors * kLanes) quads_at_once<kVectors>(out + 4 * q, key, row, first_quad + uint32_t(q));
  if (q < quads) quads_at_once<1>(out + 4 * q, key, row, first_quad + uint32_t(q));
}

}  // namespace vitrine
