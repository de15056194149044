#include "inspect/attention_maps.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

#include "base/check.h"

namespace vitrine {

double AttentionMaps::largest_row_error() const {
  double worst = 0;
  for (size_t row = 0; row + 1 <= weights.size() / static_cast<size_t>(std::max<int64_t>(length, 1)); ++row) {
    double sum = 0;
    for (size_t j = 0; j < static_cast<size_t>(length); ++j) sum += weights[row * static_cast<size_t>(length) + j];
    worst = std::max(worst, std::abs(sum - 1));
  }
  return worst;
}

bool AttentionRecorder::wants(std::string_view name) const {
  return name.starts_with("blocks.") && name.ends_with(".attention.weights");
}

void AttentionRecorder::visit(std::string_view name, const Place& place, Values& values) {
  int64_t layer = -1;
  const std::string_view number = name.substr(std::string_view("blocks.").size());
  std::from_chars(number.data(), number.data() + number.size(), layer);
  check(layer >= 0 && layer < maps_.layers && place.head >= 0 && place.head < maps_.heads && place.first_sequence == 0 &&
            values.rows() == maps_.length && values.cols() == maps_.length,
        "attention weights of one sentence, of the sizes that were announced");
  for (int64_t i = 0; i < maps_.length; ++i)
    values.read(i, 0, {maps_.weights.data() + maps_.index(layer, place.head, i, 0), static_cast<size_t>(maps_.length)});
}

}  // namespace vitrine
