#include "cli/sampling.h"

#include <cmath>
#include <map>
#include <vector>

#include "base/rng.h"
#include "support/catch.h"

using namespace vitrine;

namespace {

// Four special tokens, however likely, then three others with the probabilities 0.2, 0.5, 0.3.
std::vector<double> logits() { return {9, 9, 9, 9, std::log(0.2) + 3, std::log(0.5) + 3, std::log(0.3) + 3}; }

std::map<int32_t, double> shares(const Sampling& how) {
  std::map<int32_t, double> shares;
  const RngKey key = RngKey{7}.of(Purpose::kGenerate);
  constexpr uint32_t n = 40000;
  for (uint32_t i = 0; i < n; ++i) shares[draw_token(logits(), how, key.uniform(i, 0))] += 1.0 / n;
  return shares;
}

}  // namespace

TEST_CASE("tokens are drawn with their probabilities, special ones never") {
  const auto all = shares({});
  CHECK(all.size() == 3);
  CHECK(all.at(4) == Approx(0.2).margin(0.01));
  CHECK(all.at(5) == Approx(0.5).margin(0.01));
  CHECK(all.at(6) == Approx(0.3).margin(0.01));
  // p^(1/T): for T = ½ the squares
  const auto cold = shares({0.5, 0});
  CHECK(cold.at(5) == Approx(0.25 / 0.38).margin(0.01));
  const auto two = shares({1, 2});
  CHECK(two.size() == 2);
  CHECK(two.at(5) == Approx(0.5 / 0.8).margin(0.01));
  CHECK(shares({1, 99}) == all);
}

TEST_CASE("temperature 0 takes the most probable token, the smallest of equal ones; the ends of [0, 1) are no trap") {
  for (const double u : {0.0, 0.5, 1 - 0x1p-32}) {
    CHECK(draw_token(logits(), {0, 0}, u) == 5);
    CHECK(draw_token(std::vector<double>{0, 0, 0, 0, 1, 2, 2}, {0, 0}, u) == 5);
    CHECK(draw_token(logits(), {1, 1}, u) == 5);
    CHECK(draw_token(std::vector<double>{0, 0, 0, 0, -1000, 1000, -1000}, {0.01, 0}, u) == 5);
  }
  CHECK(draw_token(logits(), {1, 0}, 0.0) == 4);
  CHECK(draw_token(logits(), {1, 0}, 1 - 0x1p-32) == 6);
}

TEST_CASE("text in pieces: no character is cut, none harms a terminal") {
  TextPieces plain(false);
  CHECK(plain.add("f\xC3") == "f");
  CHECK(plain.add("\xBC") == "\xC3\xBC");
  CHECK(plain.add("\xE2\x82") == "");
  CHECK(plain.add("\xAC!\xF0\x9F") == "\xE2\x82\xAC!");
  CHECK(plain.finish() == "\xF0\x9F");
  CHECK(plain.add("\x80\x80\x80") == "\x80\x80\x80");  // the end of nothing
  CHECK(plain.add("a\x1b[2J\n") == "a\x1b[2J\n");
  TextPieces safe(true);
  CHECK(safe.add("a b\tc\n") == "a b\tc\n");
  CHECK(safe.add("\x1b[2J").find('\x1b') == std::string::npos);
  CHECK(safe.add("\xFF"
                 "x") == "\\xffx");
  CHECK(safe.add("\xC3") == "");
  CHECK(safe.finish() == "\\xc3");
}
