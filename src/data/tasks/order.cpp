#include <algorithm>

#include "data/dataset.h"
#include "data/tasks/task.h"

// Tasks that move symbols to other places.
namespace vitrine {
namespace {

class SymbolTask : public Task {
 public:
  SymbolTask(int64_t symbols, const char* its_link) : symbols_(symbols) {
    words = answers = symbol_names(symbols);
    link = its_link;
  }
  void draw(Draws& draws, int64_t n, std::vector<int32_t>& out) const override {
    for (int64_t t = 0; t < n; ++t) out.push_back(static_cast<int32_t>(draws.below(symbols_)));
  }

 protected:
  int64_t symbols_;
};

class Copy final : public SymbolTask {
 public:
  explicit Copy(int64_t symbols) : SymbolTask(symbols, "copied symbol"), bar_(static_cast<int32_t>(symbols)), blank_(bar_ + 1) {
    words.insert(words.end(), {"|", "_"});
  }
  int64_t size(int64_t n) const override { return 2 * n + 1; }
  void draw(Draws& draws, int64_t n, std::vector<int32_t>& out) const override {
    SymbolTask::draw(draws, n, out);
    out.push_back(bar_);
    out.insert(out.end(), static_cast<size_t>(n), blank_);
  }
  void answer(std::span<const int32_t> x, std::vector<int32_t>& out) const override {
    const size_t n = x.size() / 2;
    out.assign(n + 1, kNoTag);
    out.insert(out.end(), x.begin(), x.begin() + static_cast<std::ptrdiff_t>(n));
  }
  std::optional<Swap> swap(std::span<const int32_t> x, int32_t target, Draws& draws) const override {
    const int32_t source = target - static_cast<int32_t>(x.size() / 2) - 1;
    return Swap{{source}, draws.other(symbols_, x[source])};
  }

 private:
  int32_t bar_, blank_;
};

class Reverse final : public SymbolTask {
 public:
  explicit Reverse(int64_t symbols) : SymbolTask(symbols, "mirrored symbol") {}
  void answer(std::span<const int32_t> x, std::vector<int32_t>& out) const override { out.assign(x.rbegin(), x.rend()); }
  std::optional<Swap> swap(std::span<const int32_t> x, int32_t target, Draws& draws) const override {
    const int32_t source = static_cast<int32_t>(x.size()) - 1 - target;
    return Swap{{source}, draws.other(symbols_, x[source])};
  }
};

class Sort final : public SymbolTask {
 public:
  explicit Sort(int64_t symbols) : SymbolTask(symbols, "sorted symbol") {}
  void answer(std::span<const int32_t> x, std::vector<int32_t>& out) const override {
    out.assign(x.begin(), x.end());
    std::sort(out.begin(), out.end());
  }
  // Another symbol of the same rank: it lies between those that are next in the order.
  std::optional<Swap> swap(std::span<const int32_t> x, int32_t target, Draws& draws) const override {
    std::vector<int32_t> sorted;
    answer(x, sorted);
    const int32_t v = sorted[target];
    const auto [first, last] = std::equal_range(sorted.begin(), sorted.end(), v);
    const int32_t low = first == sorted.begin() ? 0 : first[-1] + 1;
    const int32_t high = last == sorted.end() ? static_cast<int32_t>(symbols_) : *last;
    if (high - low < 2) return std::nullopt;
    Swap out{{}, low + draws.other(high - low, v - low)};
    for (size_t t = 0; t < x.size(); ++t)
      if (x[t] == v) out.sources.push_back(static_cast<int32_t>(t));
    return out;
  }
};

}  // namespace

std::unique_ptr<Task> make_copy(int64_t symbols) { return std::make_unique<Copy>(symbols); }
std::unique_ptr<Task> make_reverse(int64_t symbols) { return std::make_unique<Reverse>(symbols); }
std::unique_ptr<Task> make_sort(int64_t symbols) { return std::make_unique<Sort>(symbols); }

}  // namespace vitrine
