#include "data/tasks/task.h"

#include <fmt/format.h>

#include <numeric>

#include "base/check.h"

namespace vitrine {

void Draws::different(int64_t n, int64_t count, std::vector<int32_t>& out) {
  check(count <= n, "there are as many different numbers");
  std::vector<int32_t> all(static_cast<size_t>(n));
  std::iota(all.begin(), all.end(), 0);
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {  // Fisher and Yates
    std::swap(all[i], all[i + static_cast<size_t>(below(n - static_cast<int64_t>(i)))]);
    out.push_back(all[i]);
  }
}

constexpr int64_t kMostSymbols = 10'000;  // each sequence of different ones shuffles them all

std::vector<std::string> symbol_names(int64_t count, const std::string& prefix) {
  std::vector<std::string> out;
  const size_t digits = std::to_string(count - 1).size();
  for (int64_t i = 0; i < count; ++i)
    out.push_back(count <= 26 ? prefix + static_cast<char>('a' + i) : fmt::format("{}{:0{}}", prefix, i, digits));
  return out;
}

std::unique_ptr<Task> make_task(const DataSettings& data) {
  const int64_t symbols = data.vocabulary_size;
  switch (data.task) {
    case TaskKind::kCopy: return make_copy(symbols);
    case TaskKind::kReverse: return make_reverse(symbols);
    case TaskKind::kSort: return make_sort(symbols);
    case TaskKind::kFirstOccurrence: return make_first_occurrence(symbols);
    case TaskKind::kRecall: return make_recall(symbols, data.queries);
    case TaskKind::kInduction: return make_induction(symbols);
    case TaskKind::kBrackets: return make_brackets(symbols);
    case TaskKind::kMajority: return make_majority(symbols);
  }
  return nullptr;
}

int64_t longest_of_task(const DataSettings& data) {
  DataSettings small = data;
  small.vocabulary_size = 2;
  return make_task(small)->size(data.length) + data.distractors;
}

std::optional<TaskMistake> task_mistake(const DataSettings& data) {
  const int64_t shortest = data.min_length > 0 ? data.min_length : data.length;
  if (shortest > data.length)
    return TaskMistake{"data.min_length", fmt::format("{} symbols are more than", shortest), "data.length"};
  if (data.vocabulary_size > kMostSymbols)
    return TaskMistake{"data.vocabulary_size", fmt::format("at most {} symbols can be asked for with", kMostSymbols),
                       "data.task"};
  if (data.task == TaskKind::kInduction && data.vocabulary_size <= data.length)
    return TaskMistake{"data.vocabulary_size",
                       "the symbols of a sequence differ, and a minimal pair needs one more; it must be above", "data.length"};
  if (data.task == TaskKind::kRecall && data.vocabulary_size < data.length)
    return TaskMistake{"data.vocabulary_size", "the keys of a sequence differ, one for each pair; it must not be below",
                       "data.length"};
  if (data.task == TaskKind::kRecall && data.queries > shortest)
    return TaskMistake{"data.queries", fmt::format("{} different keys cannot be asked for among as few pairs as", data.queries),
                       data.min_length > 0 ? "data.min_length" : "data.length"};
  return std::nullopt;
}

}  // namespace vitrine
