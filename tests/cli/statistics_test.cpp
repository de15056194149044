#include "cli/statistics.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/sweep.h"
#include "support/catch.h"

using namespace vitrine;

TEST_CASE("quantiles of Student's t are those of the tables") {
  // Abramowitz and Stegun 1964, table 26.10
  for (const auto& [degrees, value] : std::vector<std::pair<int64_t, double>>{
           {1, 12.706}, {2, 4.303}, {3, 3.182}, {4, 2.776}, {5, 2.571}, {9, 2.262}, {10, 2.228}, {30, 2.042}, {120, 1.980}})
    CHECK(std::abs(student_quantile(degrees) - value) < 0.0006);
}

TEST_CASE("mean, deviation of the sample and interval") {
  const std::vector<double> values = {1, 2, 3, 4, 10};
  const Spread s = spread_of(values);
  CHECK(s.n == 5);
  CHECK(s.mean == 4);
  CHECK(std::abs(s.deviation - std::sqrt(12.5)) < 1e-12);
  CHECK(std::abs(s.half_width - 2.7764451052 * std::sqrt(12.5 / 5)) < 1e-8);
  CHECK(spread_of(std::vector<double>{7}).deviation == 0);
  CHECK(std::isinf(spread_of(std::vector<double>{7}).half_width));
}

TEST_CASE("seeds are numbers and ranges") {
  CHECK(parse_seeds("3") == std::vector<int64_t>{3});
  CHECK(parse_seeds("1,2,5-7") == std::vector<int64_t>{1, 2, 5, 6, 7});
  CHECK(parse_seeds("0-1") == std::vector<int64_t>{0, 1});
  for (const char* wrong : {"", "x", "1,", "3-1", "-2", "1-", "1.5", "1-99999999999"}) {
    INFO(wrong);
    CHECK_THROWS_WITH(parse_seeds(wrong), fmt::format("--seeds: expected seeds such as 1,2,3 or 1-5, got '{}'", wrong));
  }
  CHECK_THROWS_WITH(parse_seeds("1,3-4,4"), "--seeds: the seed 4 stands there twice");
}

TEST_CASE("numbers of a report have the path to them as their name") {
  const auto report =
      nlohmann::ordered_json::parse(R"({"split": "test", "step": 3, "loss": 0.5, "links": {"a": {"count": 2, "effect": 1}}})");
  CHECK(numbers_of(report) == std::vector<std::pair<std::string, double>>{{"loss", 0.5}, {"links.a.effect", 1.0}});
}

TEST_CASE("a grid is every combination of what is given") {
  CHECK(parse_axis("model.heads=1,2, 4").values == std::vector<std::string>{"1", "2", "4"});
  CHECK(parse_axis("optimizer.betas=[0.9, 0.99],[0.8, 0.9]").values == std::vector<std::string>{"[0.9, 0.99]", "[0.8, 0.9]"});
  CHECK(parse_axis("run.name='a, b',c").values == std::vector<std::string>{"'a, b'", "c"});
  CHECK_THROWS_WITH(parse_axis("model.heads=1,,2"), "--set model.heads=1,,2: an empty value");
  CHECK_THROWS_WITH(parse_axis("model.heads=1,1"), "--set model.heads=1,1: 1 stands there twice");
  CHECK_THROWS_AS(parse_axis("model.heads"), Error);
  CHECK(grid_of({}) == std::vector<std::vector<std::string>>{{}});
  CHECK(grid_of({{"a", {"1", "2"}}, {"b", {"x", "y"}}}) ==
        std::vector<std::vector<std::string>>{{"a=1", "b=x"}, {"a=1", "b=y"}, {"a=2", "b=x"}, {"a=2", "b=y"}});
  CHECK(sweep_run_name({"model.heads=2", "data.train=../a b"}, 3) == "model.heads=2_data.train=..-a-b_seed=3");
}
