#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/vocabulary.h"

namespace vitrine {

// Which of `left` sequences a split takes that asks for a share of `total`: round(share · total) of them, drawn by seed. `row` tells
// draws apart, `what` are they ("lines"). Error{kData} where that is none, or all.
std::vector<char> draw_share(size_t left, double share, size_t total, const std::string& key, const char* what, uint64_t seed,
                             uint32_t row);

// The sequences of the three splits, on their way to data sets.
template <class T>
struct Splits {
  std::vector<T> train, validation, test;
  std::array<std::vector<T>*, 3> all() { return {&train, &validation, &test}; }
};

// Reads a corpus of T, `what` of them ("lines"): read(source, key) reads the files of a split; one without files takes its share of the
// training files' sequences, drawn by seed, and all stay in their order.
template <class T, class Read>
Splits<T> read_splits(const DataSettings& data, const char* what, uint64_t seed, Read read) {
  Splits<T> s{read(SplitSource{data.train, 0, data.train_beside}, "data.train"), {}, {}};
  const size_t total = s.train.size();
  const auto part = [&](const SplitSource& source, const std::string& key, uint32_t row) -> std::vector<T> {
    if (!source.path.empty()) return read(source, key);
    if (!source.given()) return {};
    const std::vector<char> drawn = draw_share(s.train.size(), source.share, total, key, what, seed, row);
    std::vector<T> taken, rest;
    for (size_t i = 0; i < drawn.size(); ++i) (drawn[i] ? taken : rest).push_back(std::move(s.train[i]));
    s.train = std::move(rest);
    return taken;
  };
  s.test = part(data.test, "data.test", 0);
  s.validation = part(data.validation, "data.validation", 1);
  return s;
}

// make(sequences) is the data set of a split; one that has none is null.
template <class T, class Make>
void make_datasets(Splits<T> splits, Corpus& corpus, Make make) {
  const auto finish = [&](std::vector<T>& split) -> std::unique_ptr<Dataset> {
    return split.empty() ? nullptr : make(std::move(split));
  };
  corpus.train = finish(splits.train);
  corpus.validation = finish(splits.validation);
  corpus.test = finish(splits.test);
}

// Those of `names` that `used` marks, sorted: the classes of a training split.
std::vector<std::string> sort_names(const Vocabulary& names, const std::vector<char>& used);
// Where each of `names` stands in a sorted list; −1: nowhere.
std::vector<int32_t> places_in(const std::vector<std::string>& sorted, const Vocabulary& names);

}  // namespace vitrine
