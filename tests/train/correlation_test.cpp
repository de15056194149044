#include "train/correlation.h"

#include "support/catch.h"

using namespace vitrine;
using Numbers = std::vector<double>;

TEST_CASE("Pearson's correlation") {
  CHECK(pearson(Numbers{1, 2, 3}, Numbers{10, 20, 30}) == Approx(1));
  CHECK(pearson(Numbers{1, 2, 3}, Numbers{1, 0, -1}) == Approx(-1));
  CHECK(pearson(Numbers{1, 2, 3, 4, 5}, Numbers{2, 1, 4, 3, 7}) == Approx(0.8241633837));  // numpy.corrcoef
  CHECK(pearson(Numbers{1, 2, 3}, Numbers{5, 5, 5}) == 0);
  CHECK(pearson(Numbers{1}, Numbers{2}) == 0);
  CHECK(pearson(Numbers{}, Numbers{}) == 0);
  CHECK(pearson(Numbers{1e9, 1e9 + 1, 1e9 + 2}, Numbers{1, 2, 3}) == Approx(1));
}

TEST_CASE("equal numbers share the mean of their ranks") {
  CHECK(ranks(Numbers{30, 10, 20}) == Numbers{3, 1, 2});
  CHECK(ranks(Numbers{5, 5, 1, 5}) == Numbers{3, 3, 1, 3});
  CHECK(ranks(Numbers{2, 1, 2, 1}) == Numbers{3.5, 1.5, 3.5, 1.5});
  CHECK(ranks(Numbers{}).empty());
}

TEST_CASE("Spearman's correlation sees order alone, ties averaged") {
  CHECK(spearman(Numbers{1, 2, 3, 4}, Numbers{1, 10, 100, 1000}) == Approx(1));
  CHECK(spearman(Numbers{1, 2, 2, 3}, Numbers{4, 3, 2, 1}) == Approx(-0.9486832981));  // scipy.stats.spearmanr
  CHECK(spearman(Numbers{3, 3, 3}, Numbers{1, 2, 3}) == 0);
}
