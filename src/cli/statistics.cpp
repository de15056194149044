#include "cli/statistics.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numbers>

#include "base/error.h"

namespace vitrine {
namespace {

using Json = nlohmann::ordered_json;

// P(|T| < t) for whole degrees of freedom ν (Abramowitz and Stegun 1964, 26.7.3 and 26.7.4), θ = arctan(t/√ν).
double student_probability(double t, int64_t degrees) {
  const double theta = std::atan(t / std::sqrt(static_cast<double>(degrees))), c = std::cos(theta), s = std::sin(theta);
  const bool odd = degrees % 2 == 1;
  double term = odd ? c : 1, sum = degrees == 1 ? 0 : term;
  for (int64_t k = odd ? 3 : 2; k < degrees; k += 2) {
    term *= c * c * static_cast<double>(k - 1) / static_cast<double>(k);
    sum += term;
  }
  return odd ? 2 / std::numbers::pi * (theta + s * sum) : s * sum;
}

void collect(const Json& node, const std::string& path, std::vector<std::pair<std::string, double>>& out) {
  for (const auto& [key, value] : node.items()) {
    const std::string name = path.empty() ? key : path + "." + key;
    if (value.is_object())
      collect(value, name, out);
    else if (value.is_number() && key != "step" && key != "examples" && key != "targets" && key != "count" && key != "attractors")
      out.emplace_back(name, value.get<double>());
  }
}

}  // namespace

double student_quantile(int64_t degrees) {
  double low = 0, high = 13;  // 12.706 for one degree of freedom, and less for more
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (student_probability(middle, degrees) < 0.95 ? low : high) = middle;
  }
  return low;
}

Spread spread_of(std::span<const double> values) {
  Spread s;
  s.n = std::ssize(values);
  const auto n = static_cast<double>(s.n);
  for (const double v : values) s.mean += v / n;
  for (const double v : values) s.deviation += (v - s.mean) * (v - s.mean);
  s.deviation = s.n > 1 ? std::sqrt(s.deviation / (n - 1)) : 0;
  s.half_width = s.n > 1 ? student_quantile(s.n - 1) * s.deviation / std::sqrt(n) : std::numeric_limits<double>::infinity();
  return s;
}

std::vector<std::pair<std::string, double>> numbers_of(const Json& report) {
  std::vector<std::pair<std::string, double>> out;
  collect(report, "", out);
  return out;
}

std::vector<int64_t> parse_seeds(const std::string& text, const std::string& option) {
  constexpr int64_t kMost = 10'000;
  const auto wrong = [&] { fail(ErrorKind::kConfig, "{}: expected seeds such as 1,2,3 or 1-5, got '{}'", option, text); };
  const auto number = [&](std::string_view s) {
    int64_t x = 0;
    const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), x);
    if (error != std::errc() || end != s.data() + s.size() || x < 0) wrong();
    return x;
  };
  std::vector<int64_t> seeds;
  for (size_t begin = 0, end; begin <= text.size(); begin = end + 1) {
    end = std::min(text.find(',', begin), text.size());
    const std::string_view part = std::string_view(text).substr(begin, end - begin);
    const size_t dash = part.find('-', 1);
    const int64_t first = number(part.substr(0, dash)), last = dash == part.npos ? first : number(part.substr(dash + 1));
    if (last < first || last - first >= kMost) wrong();
    for (int64_t seed = first; seed <= last; ++seed) {
      if (std::find(seeds.begin(), seeds.end(), seed) != seeds.end())
        fail(ErrorKind::kConfig, "{}: the seed {} stands there twice", option, seed);
      seeds.push_back(seed);
    }
  }
  return seeds;
}

}  // namespace vitrine
