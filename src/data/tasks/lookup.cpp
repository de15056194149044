#include <algorithm>

#include "data/dataset.h"
#include "data/tasks/task.h"

// Tasks that find a place by what stands there.
namespace vitrine {
namespace {

class FirstOccurrence final : public Task {
 public:
  explicit FirstOccurrence(int64_t symbols) : symbols_(symbols) {
    words = symbol_names(symbols);
    answers = {"again", "first"};
    link = "earlier occurrence";
  }
  void draw(Draws& draws, int64_t n, std::vector<int32_t>& out) const override {
    for (int64_t t = 0; t < n; ++t) out.push_back(static_cast<int32_t>(draws.below(symbols_)));
  }
  void answer(std::span<const int32_t> x, std::vector<int32_t>& out) const override {
    out.clear();
    for (auto at = x.begin(); at != x.end(); ++at) out.push_back(std::find(x.begin(), at, *at) == at ? 1 : 0);
  }
  std::optional<Swap> swap(std::span<const int32_t> x, int32_t target, Draws& draws) const override {
    Swap out{{}, draws.other(symbols_, x[target])};
    for (int32_t t = 0; t < target; ++t)
      if (x[t] == x[target]) out.sources.push_back(t);
    return out.sources.empty() ? std::nullopt : std::optional(out);
  }

 private:
  int64_t symbols_;
};

class Recall final : public Task {
 public:
  Recall(int64_t symbols, int64_t queries) : symbols_(symbols), queries_(queries) {
    words = answers = symbol_names(symbols, "v");
    for (const std::string& key : symbol_names(symbols, "k")) words.push_back(key);
    words.emplace_back("|");
    link = "recalled value";
  }
  int64_t size(int64_t n) const override { return 2 * n + 1 + queries_; }
  void draw(Draws& draws, int64_t n, std::vector<int32_t>& out) const override {
    std::vector<int32_t> keys, asked;
    draws.different(symbols_, n, keys);
    for (const int32_t key : keys) {
      out.push_back(key_word(key));
      out.push_back(static_cast<int32_t>(draws.below(symbols_)));
    }
    out.push_back(static_cast<int32_t>(2 * symbols_));
    draws.different(n, queries_, asked);
    for (const int32_t pair : asked) out.push_back(key_word(keys[static_cast<size_t>(pair)]));
  }
  void answer(std::span<const int32_t> x, std::vector<int32_t>& out) const override {
    out.assign(x.size() - static_cast<size_t>(queries_), kNoTag);
    for (size_t t = out.size(); t < x.size(); ++t) out.push_back(x[source(x, x[t])]);
  }
  std::optional<Swap> swap(std::span<const int32_t> x, int32_t target, Draws& draws) const override {
    const auto value = static_cast<int32_t>(source(x, x[target]));
    return Swap{{value}, draws.other(symbols_, x[value])};
  }

 private:
  int32_t key_word(int32_t key) const { return static_cast<int32_t>(symbols_) + key; }
  static size_t source(std::span<const int32_t> x, int32_t key) {
    return static_cast<size_t>(std::find(x.begin(), x.end(), key) - x.begin()) + 1;
  }
  int64_t symbols_, queries_;
};

class Induction final : public Task {
 public:
  explicit Induction(int64_t symbols) : symbols_(symbols) {
    words = answers = symbol_names(symbols);
    link = "what followed";
  }
  int64_t size(int64_t n) const override { return 2 * n; }
  void draw(Draws& draws, int64_t n, std::vector<int32_t>& out) const override {
    draws.different(symbols_, n, out);
    for (int64_t t = 0; t < n; ++t) out.push_back(out[static_cast<size_t>(t)]);
  }
  void answer(std::span<const int32_t> x, std::vector<int32_t>& out) const override {
    const size_t n = x.size() / 2;
    out.assign(x.size(), kNoTag);
    for (size_t t = n; t + 1 < x.size(); ++t)
      for (size_t s = 0; s < n; ++s)
        if (x[s] == x[t]) out[t] = x[s + 1];
  }
  std::optional<Swap> swap(std::span<const int32_t> x, int32_t target, Draws& draws) const override {
    const auto n = static_cast<int32_t>(x.size() / 2);
    // One that does not stand there yet.
    std::vector<int32_t> others;
    for (int32_t w = 0; w < symbols_; ++w)
      if (std::find(x.begin(), x.begin() + n, w) == x.begin() + n) others.push_back(w);
    return Swap{{target - n + 1}, others[static_cast<size_t>(draws.below(std::ssize(others)))]};
  }

 private:
  int64_t symbols_;
};

}  // namespace

std::unique_ptr<Task> make_first_occurrence(int64_t symbols) { return std::make_unique<FirstOccurrence>(symbols); }
std::unique_ptr<Task> make_recall(int64_t symbols, int64_t queries) { return std::make_unique<Recall>(symbols, queries); }
std::unique_ptr<Task> make_induction(int64_t symbols) { return std::make_unique<Induction>(symbols); }

}  // namespace vitrine
