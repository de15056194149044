#include "backend/pattern.h"

#include <set>

#include "support/catch.h"

using namespace vitrine;

namespace {

// What seen_by() and ends() say, as a matrix; checks that the lists are what pattern.h promises.
std::vector<std::vector<bool>> seen(const Pattern& p, int64_t T, int64_t head = 0, int64_t most = 192) {
  std::vector<std::vector<bool>> sees(static_cast<size_t>(T), std::vector<bool>(static_cast<size_t>(T)));
  std::vector<Keys> keys;
  for (int64_t first = 0, rows; first < T; first += rows) {
    rows = p.rows_alike(head, first, T, most);
    REQUIRE((rows >= 1 && rows <= most && first + rows <= T));
    p.seen_by(keys, head, first, rows, T);
    for (size_t k = 0; k < keys.size(); ++k) {
      REQUIRE((keys[k].at >= 0 && keys[k].count > 0 && keys[k].end() <= T));
      REQUIRE((k == 0 || keys[k - 1].end() < keys[k].at));
      for (int64_t i = first; i < first + rows; ++i)
        for (int64_t j = keys[k].at; j < keys[k].end(); ++j)
          sees[size_t(i)][size_t(j)] = j >= p.ends(head, i, T).at && j < p.ends(head, i, T).end();
    }
  }
  return sees;
}

// The definition, but for random blocks.
bool allowed(const Pattern& p, int64_t i, int64_t j) {
  if (p.causal && j > i) return false;
  if (p.block == 0) return p.window < 0 || std::abs(i - j) <= p.window;
  const int64_t bi = i / p.block, bj = j / p.block;
  return std::abs(bi - bj) <= p.reach || i < p.global || j < p.global || (p.stride > 0 && (bi - bj) % p.stride == 0);
}

const std::vector<Pattern> kPatterns = {
    {},
    {.window = 0},
    {.window = 3},
    {.window = 100},
    {.block = 4, .reach = 0},
    {.block = 4, .reach = 1},
    {.block = 5, .reach = 1, .global = 2},
    {.block = 4, .reach = 1, .global = 9},
    {.block = 1, .reach = 2, .global = 1, .stride = 3},
    {.block = 3, .reach = -1, .stride = 4},
    {.block = 3, .reach = 0, .global = 70, .stride = 2},
    {.block = 100, .reach = 0},
};

}  // namespace

TEST_CASE("a pattern lists the keys of its definition") {
  for (Pattern p : kPatterns)
    for (const bool causal : {false, true})
      for (const int64_t T : {1, 2, 3, 4, 5, 8, 9, 12, 31, 33, 64, 65, 70}) {
        p.causal = causal;
        CAPTURE(p.causal, p.window, p.block, p.reach, p.global, p.stride, T);
        const auto sees = seen(p, T, 0, 7 + T % 5);
        int64_t pairs = 0;
        bool right = true;
        for (int64_t i = 0; i < T; ++i)
          for (int64_t j = 0; j < T; ++j) {
            right = right && sees[size_t(i)][size_t(j)] == allowed(p, i, j);
            pairs += allowed(p, i, j);
          }
        CHECK(right);
        CHECK(p.pairs(0, T) == pairs);
      }
}

TEST_CASE("heads with windows of their own: each lists what a pattern with its window alone lists") {
  const std::vector<int64_t> windows{3, 0, 40, 200};
  for (const bool causal : {false, true})
    for (const int64_t T : {1, 7, 33, 130}) {
      const Pattern several{.causal = causal, .windows = windows};
      for (int64_t h = 0; h < 4; ++h) {
        const Pattern alone{.causal = causal, .window = windows[size_t(h)]};
        CHECK(several.window_of(h) == windows[size_t(h)]);
        CHECK(seen(several, T, h) == seen(alone, T));
        CHECK(several.pairs(h, T) == alone.pairs(0, T));
        for (int64_t first = 0; first < T; first += 16)
          CHECK(several.rows_alike(h, first, T, 64) == alone.rows_alike(0, first, T, 64));
      }
    }
}

TEST_CASE("random blocks are whole, different, as many as asked for or there are, and the same each time") {
  for (const bool causal : {false, true})
    for (const int64_t random : {1, 3, 8, 40}) {
      const Pattern with{.causal = causal, .block = 4, .reach = 1, .global = 5, .random = random, .key = {7, 1 << 12, 0}};
      const int64_t T = 62, blocks = 16;
      std::set<std::vector<std::vector<bool>>> different;
      for (const int64_t head : {0, 1, 2}) {
        const auto sees = seen(with, T, head);
        CHECK(sees == seen(with, T, head));
        different.insert(sees);
        for (int64_t i = 5; i < T; ++i) {
          const int64_t bi = i / 4, last = causal ? bi + 1 : blocks;
          int64_t drawn = 0, candidates = 0;
          for (int64_t bj = 1; bj < last; ++bj) {  // block 0 is wholly global
            const bool near = std::abs(bi - bj) <= 1;
            int64_t count = 0, beyond = 0;
            for (int64_t j = bj * 4; j < std::min(bj * 4 + 4, causal ? i + 1 : T); ++j)
              ++beyond, count += sees[size_t(i)][size_t(j)];
            if (near) CHECK(count == beyond);
            if (near) continue;
            ++candidates;
            CHECK((count == beyond || count == (bj == 1 ? 1 : 0)));  // token 4 is global
            drawn += count == beyond;
          }
          CHECK(drawn == std::min(random, candidates));
        }
      }
      CHECK(different.size() == (random == 40 ? 1 : 3));
    }
}

TEST_CASE("every block is drawn as often as any other") {
  std::vector<int64_t> drawn(20);
  std::vector<Keys> keys;
  const int64_t runs = 4000;
  for (int64_t seed = 0; seed < runs; ++seed) {
    const Pattern p{.block = 2, .reach = -1, .random = 3, .key = {static_cast<uint64_t>(seed), 0, 0}};
    p.seen_by(keys, 0, 6, 2, 40);
    for (const Keys& k : keys)
      for (int64_t j = k.at; j < k.end(); j += 2) ++drawn[size_t(j / 2)];
  }
  constexpr double share = 3.0 / 19;  // of all but its own
  for (int64_t bj = 0; bj < 20; ++bj)
    CHECK(std::abs(double(drawn[size_t(bj)]) - (bj == 3 ? 0 : share * double(runs))) <
          5 * std::sqrt(share * (1 - share) * double(runs)));
  CHECK(drawn[3] == 0);
}
