#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "inspect/linter.h"
#include "inspect/measures.h"
#include "inspect/recording.h"

namespace vitrine {

// One run as the page shows it.
struct PageRun {
  std::string name, model;      // "quickstart", "2 blocks × 4 heads, width 64, …"
  std::string formula, config;  // how weights come about; the hash of the configuration
  std::string precision, version;
  int64_t seed = 0, layers = 0, heads = 0;
  std::vector<VisibleKeys> visible;  // [L·H]
  struct Curve {
    std::string name;
    std::vector<std::pair<double, double>> points;  // step, loss
  };
  std::vector<Curve> curves;
  std::vector<std::pair<std::string, double>> floors;  // of the loss
  std::vector<Finding> findings;                       // what stands out of its heads
  std::string measured;                                // on what: "300 sequences of the test split"
  std::vector<RecordedSentence> sentences;
  std::vector<int64_t> steps;                                     // ascending
  std::function<std::vector<SentenceRecord>(int64_t step)> read;  // Error{kCheckpoint}: damaged; the page leaves the step out
};

struct PageContents {
  std::vector<PageRun> runs;  // one, or two that are compared
  std::vector<std::string> notes;
  std::string live;  // JSON of the first run's model, for sentences that are typed into the page; or empty
};

// A page that needs nothing but a browser: no network, no other file. What came with the data is only ever text in it. It carries √α as
// whole numbers 0 … 255 (within 0.004 of α), deflated. Larger than `most_bytes`: steps are left out evenly, and the page says so; one step
// of every run stays, or Error{kConfig}.
constexpr double kPagePrecision = 0.004;
std::string draw_page(const PageContents& contents, int64_t most_bytes);

}  // namespace vitrine
