#include <algorithm>

#include "data/tasks/task.h"

namespace vitrine {
namespace {

class Majority final : public Task {
 public:
  explicit Majority(int64_t symbols) : symbols_(symbols) { words = answers = symbol_names(symbols); }
  bool labels() const override { return true; }
  void draw(Draws& draws, int64_t n, std::vector<int32_t>& out) const override {
    for (int64_t t = 0; t < n; ++t) out.push_back(static_cast<int32_t>(draws.below(symbols_)));
  }
  void answer(std::span<const int32_t> x, std::vector<int32_t>& out) const override {
    std::vector<int64_t> count(static_cast<size_t>(symbols_));
    for (const int32_t w : x) ++count[static_cast<size_t>(w)];
    out = {static_cast<int32_t>(std::max_element(count.begin(), count.end()) - count.begin())};  // the first of equal ones
  }

 private:
  int64_t symbols_;
};

}  // namespace

std::unique_ptr<Task> make_majority(int64_t symbols) { return std::make_unique<Majority>(symbols); }

}  // namespace vitrine
