#include "layers/plan.h"

#include <utility>

namespace vitrine::inline VITRINE_PRECISION {

Parameter Plan::stacked_matrix(const std::vector<std::string>& names, int64_t rows, int64_t cols, Init init) {
  const int64_t count = static_cast<int64_t>(names.size());
  const Parameter all{params.take(count * rows, cols), grads.take(count * rows, cols)};
  for (int64_t k = 0; k < count; ++k)
    parameters.push_back({names[k], {all.value.slice(k * rows, rows), all.grad.slice(k * rows, rows)}, init, false});
  return all;
}

Parameter Plan::stacked_vector(const std::vector<std::string>& names, int64_t size, Init init) {
  const int64_t count = static_cast<int64_t>(names.size());
  const Parameter all{params.take(1, count * size), grads.take(1, count * size)};
  for (int64_t k = 0; k < count; ++k)
    parameters.push_back({names[k], {all.value.columns(k * size, size), all.grad.columns(k * size, size)}, init, true});
  return all;
}

Parameter Plan::matrix(const std::string& name, int64_t rows, int64_t cols, Init init) {
  return stacked_matrix({name}, rows, cols, init);
}

Parameter Plan::vector(const std::string& name, int64_t size, Init init) { return stacked_vector({name}, size, init); }

NamedState& Plan::state(const std::string& name, std::vector<int64_t> shape, int64_t rows, int64_t cols) {
  states.push_back({name, std::move(shape), params.take(rows, cols), grads.take(rows, cols), {}, {}});
  return states.back();
}

Tensor Plan::table(int64_t rows, int64_t cols, std::function<double(int64_t, int64_t)> f) {
  constants.push_back({tables.take(rows, cols), std::move(f)});
  return constants.back().at;
}

}  // namespace vitrine::inline VITRINE_PRECISION
