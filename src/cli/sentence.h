#pragma once
#include <optional>
#include <string>
#include <vector>

#include "cli/session.h"
#include "inspect/attention_view.h"
#include "inspect/link_test.h"

namespace vitrine {

// What a model answers at one position (or for the whole sequence: position −1).
struct Prediction {
  ObjectiveKind kind = ObjectiveKind::kMaskedLm;
  int64_t position = -1;
  std::string truth;  // empty where it is not known
  struct Answer {
    std::string text;
    double probability;
  };
  std::vector<Answer> best;  // falling; of a number: itself
};

// The link of a sentence, measured on this sentence alone (see inspect/link_test.h).
struct SentenceLink {
  std::string name, value, pair_value, pair;
  LinkMeasure measure, untrained;
};

// One sentence in a model: its weights, its predictions and, where it has one, its link.
struct SentenceView {
  ShownSentence shown;
  AttentionMaps maps;
  std::vector<Prediction> predictions;
  std::optional<SentenceLink> link;
};

// `text` with [MASK] where a word is to be guessed; needs no corpus.
SentenceView view_text(const Run& run, const std::string& text, size_t answers);
// Sequence `number` of a split, counted from 1, as evaluation sees it.
SentenceView view_sample(const Session& session, const LoadedCheckpoint& checkpoint, const std::string& split, int64_t number,
                         size_t answers);

}  // namespace vitrine
