#pragma once
#include <string>
#include <vector>

#include "inspect/head_table.h"

namespace vitrine {

// What is said of heads from measured facts. A sentence holds the number and the threshold that it stands on; nothing is guessed.
struct LintThresholds {
  double missed = 0.002;  // nats a target: a head that costs less, or less than its own interval, is not missed
  double alike = 0.02;    // nats of divergence: heads that look at the same keys
  double uniform = 0.95;  // of normalised entropy: a head that looks at all alike
  double pattern = 0.5;   // share of the weight on a pattern, and twice its chance level
  double looks = 0.3;     // attention on a link's sources, and twice its chance level
  double carries = 0.2;   // effect of a head that carries a link; below a quarter of it a head carries nothing
  double learned = 0.75;  // decisions that are right: below it nobody carries the link
};
struct Finding {
  std::string
      kind;  // dead, constant, uniform, sink, pattern, alike, carries, looks_only, carries_unseen, looks_and_acts, unlearned, prunable
  std::vector<HeadName> heads;
  double value = 0, threshold = 0;
  std::string sentence;
};
std::vector<Finding> lint(const HeadTable& table, const LintThresholds& thresholds = {});

}  // namespace vitrine
