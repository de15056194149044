#include "base/random_words.h"

#include <set>
#include <vector>

#include "support/catch.h"

using namespace vitrine;

// Known answers of the authors' own implementation (Random123, kat_vectors, philox4x32 10).
TEST_CASE("Philox4x32-10 gives the published numbers") {
  CHECK(philox({0, 0, 0, 0}, 0) == Philox4{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox({~0u, ~0u, ~0u, ~0u}, ~uint64_t{0}) == Philox4{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0x299f31d0a4093822) ==
        Philox4{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
  static_assert(philox({0, 0, 0, 0}, 0)[0] == 0x6627e8d5, "a constant expression");
}

TEST_CASE("seed, purpose, layer, head, step, row and column each make another number") {
  const RngKey key = RngKey{7, 0, 3}.of(Purpose::kDropoutHidden, 2, 1);
  const uint32_t number = key.word(5, 9);
  CHECK(key.word(5, 9) == number);
  CHECK(key.stream == RngKey::make_stream(Purpose::kDropoutHidden, 2, 1));
  CHECK(key.word(6, 9) != number);
  CHECK(key.word(5, 10) != number);
  CHECK(RngKey{8, key.stream, 3}.word(5, 9) != number);
  CHECK(RngKey{7, key.stream, 4}.word(5, 9) != number);
  CHECK(key.of(Purpose::kMask, 2, 1).word(5, 9) != number);
  CHECK(key.of(Purpose::kDropoutHidden, 3, 1).word(5, 9) != number);
  CHECK(key.of(Purpose::kDropoutHidden, 2, 2).word(5, 9) != number);
  CHECK(key.of(Purpose::kDropoutHidden, 1, 2).word(5, 9) != number);
}

TEST_CASE("word(row, column) is the column's place in its quad") {
  const RngKey key = RngKey{1, 0, 0}.of(Purpose::kInitialise);
  for (uint32_t column = 0; column < 13; ++column) CHECK(key.word(4, column) == key.bits(4, column / 4)[column % 4]);
  std::set<uint32_t> seen;
  for (uint32_t row = 0; row < 100; ++row)
    for (uint32_t column = 0; column < 100; ++column) seen.insert(key.word(row, column));
  CHECK(seen.size() > 9990);  // 10⁴ of 2³²: 0.01 repetitions expected
}

TEST_CASE("uniform numbers fill [0, 1) evenly") {
  const RngKey key = RngKey{42, 0, 1}.of(Purpose::kDropoutAttention);
  constexpr int kRows = 512, kColumns = 512, kBins = 256;
  std::vector<double> bins(kBins), small(7);
  double sum = 0, squares = 0, neighbours = 0, before = 0.5;
  for (uint32_t r = 0; r < kRows; ++r)
    for (uint32_t c = 0; c < kColumns; ++c) {
      const double u = key.uniform(r, c);
      REQUIRE((u >= 0 && u < 1));
      ++bins[static_cast<size_t>(u * kBins)];
      ++small[key.below(7, r, c)];
      sum += u, squares += u * u, neighbours += (u - 0.5) * (before - 0.5), before = u;
    }
  constexpr double n = kRows * kColumns;
  CHECK(sum / n == Approx(0.5).margin(4 * std::sqrt(1 / 12.0 / n)));
  CHECK(squares / n == Approx(1 / 3.0).margin(4 * std::sqrt(4 / 45.0 / n)));
  CHECK(std::abs(neighbours / n) < 4 / 12.0 / std::sqrt(n));
  double chi2 = 0, chi2_small = 0;
  for (double b : bins) chi2 += (b - n / kBins) * (b - n / kBins) / (n / kBins);
  for (double b : small) chi2_small += (b - n / 7) * (b - n / 7) / (n / 7);
  CHECK(std::abs(chi2 - 255) < 4 * std::sqrt(2 * 255.0));
  CHECK(chi2_small < 6 + 4 * std::sqrt(2 * 6.0));
}

TEST_CASE("normal numbers have the moments of a standard normal") {
  const RngKey key = RngKey{3, 0, 0}.of(Purpose::kInitialise, 1);
  double m1 = 0, m2 = 0, m3 = 0, m4 = 0, pair = 0;
  constexpr int kRows = 400, kColumns = 600;
  int64_t beyond_two = 0;
  for (uint32_t r = 0; r < kRows; ++r)
    for (uint32_t c = 0; c < kColumns; ++c) {
      const double z = key.normal(r, c);
      m1 += z, m2 += z * z, m3 += z * z * z, m4 += z * z * z * z;
      if (c % 2 == 1) pair += z * key.normal(r, c - 1);
      beyond_two += std::abs(z) > 2;
    }
  constexpr double n = kRows * kColumns;
  CHECK(std::abs(m1 / n) < 4 / std::sqrt(n));
  CHECK(m2 / n == Approx(1).margin(4 * std::sqrt(2 / n)));
  CHECK(std::abs(m3 / n) < 4 * std::sqrt(15 / n));
  CHECK(m4 / n == Approx(3).margin(4 * std::sqrt(96 / n)));
  CHECK(std::abs(pair / (n / 2)) < 4 / std::sqrt(n / 2));  // cos and sin of one angle are uncorrelated
  CHECK(static_cast<double>(beyond_two) / n == Approx(0.0455003).margin(4 * std::sqrt(0.0455 / n)));
}

TEST_CASE("many words at once are those that come one by one") {
  constexpr uint32_t kGuard = 0xABABABAB;
  for (const RngKey key : {RngKey{0x123456789ABCDEFull, 77, 5}, RngKey{~0ull, ~0u, ~0u}, RngKey{}}) {
    for (const uint32_t first_quad : {0u, 3u, 0xFFFFFFF0u}) {
      for (int64_t quads = 0; quads <= 50; ++quads) {
        const int64_t room = (quads + kQuadsAtOnce - 1) / kQuadsAtOnce * kQuadsAtOnce * 4;
        std::vector<uint32_t> words(static_cast<size_t>(room) + 1, kGuard);
        random_words(words.data(), key, 9, first_quad, quads);
        for (uint32_t q = 0; q < quads; ++q) {
          const Philox4 want = key.bits(9, first_quad + q);
          for (size_t k = 0; k < 4; ++k) REQUIRE(words[4 * q + k] == want[k]);
        }
        REQUIRE(words.back() == kGuard);
      }
    }
  }
}

TEST_CASE("hash_name is FNV-1a") {
  CHECK(hash_name("") == 0x811c9dc5);
  CHECK(hash_name("a") == 0xe40c292c);
  CHECK(hash_name("foobar") == 0xbf9cf968);
}
