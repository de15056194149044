#include <vector>

#include "data/dataset.h"
#include "data/tasks/task.h"

namespace vitrine {
namespace {

class Brackets final : public Task {
 public:
  explicit Brackets(int64_t kinds) : kinds_(kinds), close_(static_cast<int32_t>(kinds)) {
    words = answers = symbol_names(kinds);
    words.emplace_back(")");
    link = "opening bracket";
  }
  int64_t size(int64_t n) const override { return 2 * n; }

  // Every nesting is equally likely if with `open` brackets open and `left` tokens to come the next one opens with probability
  // (open + 2)(left − open) / (2 left (open + 1)) (Arnold and Sleep 1980).
  void draw(Draws& draws, int64_t n, std::vector<int32_t>& out) const override {
    double open = 0;
    for (auto left = static_cast<double>(2 * n); left > 0; --left) {
      const bool opens = draws.uniform() < (open + 2) * (left - open) / (2 * left * (open + 1));
      out.push_back(opens ? static_cast<int32_t>(draws.below(kinds_)) : close_);
      open += opens ? 1 : -1;
    }
  }
  void answer(std::span<const int32_t> x, std::vector<int32_t>& out) const override {
    out.clear();
    std::vector<int32_t> open;
    for (const int32_t w : x) {
      out.push_back(w == close_ ? open.back() : kNoTag);
      w == close_ ? open.pop_back() : open.push_back(w);
    }
  }
  std::optional<Swap> swap(std::span<const int32_t> x, int32_t target, Draws& draws) const override {
    int32_t source = target;
    for (int32_t inside = 1; inside > 0;) inside += x[--source] == close_ ? 1 : -1;
    return Swap{{source}, draws.other(kinds_, x[source])};
  }

 private:
  int64_t kinds_;
  int32_t close_;
};

}  // namespace

std::unique_ptr<Task> make_brackets(int64_t kinds) { return std::make_unique<Brackets>(kinds); }

}  // namespace vitrine
