#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace vitrine {

// Mean of n numbers, standard deviation of the sample (divided by n − 1; 0 for one), and half the width of the 95 % interval of the
// mean, t₀.₉₇₅(n−1)·s/√n (infinite for one).
struct Spread {
  int64_t n = 0;
  double mean = 0, deviation = 0, half_width = 0;
};
Spread spread_of(std::span<const double> values);

// The number that Student's t with `degrees` degrees of freedom stays under with probability 0.975.
double student_quantile(int64_t degrees);

// Every number of a report that can be averaged, by its path: "loss", "links.name.decision". Counts are left out.
std::vector<std::pair<std::string, double>> numbers_of(const nlohmann::ordered_json& report);

// "1,2,5-7" as numbers; Error{kConfig} naming `option` for anything else.
std::vector<int64_t> parse_seeds(const std::string& text, const std::string& option = "--seeds");

}  // namespace vitrine
