#pragma once
#include <string>
#include <vector>

#include "cli/text_batches.h"

namespace vitrine {

// What the heads of a model say of a text, written for people or, as one JSON object a line, for programs.
//
//   sequence_classification      label, probability, label, …: the most probable first          {"label": …, "probabilities": {…}}
//   multi_label_classification   the same of the labels whose probability is above ½, or -       {"labels": […], "probabilities": {…}}
//   regression                   the value                                                       {"value": …}
//   token_classification         a line with word and tag for each word, then an empty line      {"words": […], "tags": […]}
//   masked_lm                    token, probability, token, …; | between masks                   {"masks": [[{"token": …, "probability": …}, …], …]}
//
// Fields are separated by tabs. Of several heads each has its lines, with its name in the first field, or its own object under its
// name. A text without a token is an empty line, or {}.
class PredictionWriter {
 public:
  PredictionWriter(const TextModel& model, size_t answers, bool json);  // answers: the most that is said of a class or a mask
  // Text `text` of the batch that `result` is of. Safe from any thread.
  void append(std::string& out, const Text& text, const Batch& batch, const ForwardResult& result) const;

 private:
  struct Head {
    ObjectiveKind kind;
    std::vector<std::string> names;   // of its classes, as they are printed
    std::vector<std::string> quoted;  // as JSON strings
  };
  void append_plain(std::string& out, size_t k, const Text& text, const Batch& batch, const ForwardResult& result) const;
  void append_json(std::string& out, size_t k, const Text& text, const Batch& batch, const ForwardResult& result) const;

  const TextModel& model_;
  std::vector<Head> heads_;
  size_t answers_;
  bool json_, narrow_;
  ValueScale scale_;
};

}  // namespace vitrine
