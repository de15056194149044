#include "inspect/attention_maps.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <string_view>

#include "base/check.h"

namespace vitrine {

namespace {

template <class F>
void for_each_row_sum(const AttentionMaps& maps, F f) {
  for (auto row = maps.weights.begin(); row != maps.weights.end(); row += maps.length)
    f(std::accumulate(row, row + maps.length, 0.0));
}

}  // namespace

double AttentionMaps::largest_row_error() const {
  double worst = 0;
  for_each_row_sum(*this, [&](double sum) { worst = std::max(worst, sum == 0 ? 0 : std::abs(sum - 1)); });
  return worst;
}

int64_t AttentionMaps::rows_without_keys() const {
  int64_t rows = 0;
  for_each_row_sum(*this, [&](double sum) { rows += sum == 0 ? 1 : 0; });
  return rows;
}

bool AttentionRecorder::wants(std::string_view name) const {
  return name.starts_with("blocks.") && name.ends_with(".attention.weights");
}

void AttentionRecorder::visit(std::string_view name, const Place& place, Values& values) {
  int64_t layer = -1;
  const std::string_view number = name.substr(std::string_view("blocks.").size());
  std::from_chars(number.data(), number.data() + number.size(), layer);
  const auto b = static_cast<size_t>(place.first_sequence);
  check(b < maps_.size(), "there is a map for each sequence");
  AttentionMaps& maps = maps_[b];
  check(layer >= 0 && layer < maps.layers && place.head >= 0 && place.head < maps.heads && values.rows() == maps.length &&
            values.cols() == maps.length,
        "attention weights of the sizes that were announced");
  for (int64_t i = 0; i < maps.length; ++i)
    values.read(i, 0, {maps.weights.data() + maps.index(layer, place.head, i, 0), static_cast<size_t>(maps.length)});
}

}  // namespace vitrine
