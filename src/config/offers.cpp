#include "config/offers.h"

namespace vitrine {

// The symbols of a task are random: of all tasks only induction has next words that can be known.
bool offers(const DataSettings& data, ObjectiveKind objective) {
  const bool task = data.kind == DataKind::kTask, labels = data.task == TaskKind::kMajority;
  const bool drawn = data.kind == DataKind::kRandom, table = data.kind == DataKind::kTable,
             tagged = data.kind == DataKind::kTagged, jsonl = data.kind == DataKind::kJsonl;
  switch (objective) {
    case ObjectiveKind::kMaskedLm: return !task;
    case ObjectiveKind::kCausalLm: return !task || data.task == TaskKind::kInduction;
    case ObjectiveKind::kSequenceClassification:
      return data.kind == DataKind::kLabelledLines || table || jsonl || drawn || (task && labels) ||
             (tagged && !data.train_beside.labels.empty());
    case ObjectiveKind::kTokenClassification: return drawn || (task && !labels) || tagged || jsonl;
    case ObjectiveKind::kMultiLabelClassification:
    case ObjectiveKind::kRegression: return table || drawn;
  }
  return false;
}

std::pair<std::string, std::string> needs(ObjectiveKind objective) {
  switch (objective) {
    case ObjectiveKind::kTokenClassification:
      return {"needs a tag for each word", "data of kind `tagged`, `jsonl`, `task` and `random` have them"};
    case ObjectiveKind::kMultiLabelClassification:
      return {"needs lists of labels", "data of kind `table` and `random` have them"};
    case ObjectiveKind::kRegression: return {"needs numbers", "data of kind `table` and `random` have them"};
    default:
      return {
          "needs labels",
          "`labelled_lines` has a label before each line, `table` a column of them, `tagged` a file `labels:` beside tokens and "
          "tags"};
  }
}

}  // namespace vitrine
