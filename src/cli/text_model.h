#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/workers.h"
#include "cli/session.h"

namespace vitrine {

// What it takes to ask a model about texts whose truth nobody knows.

// Memory for sequences up to `longest`, any number of their tokens predicted.
EngineSettings for_reading(EngineSettings settings, int64_t longest);

// A run on pairs of texts reads two with a tab between them, "a\tb", as one sequence (data/pairs.h) of at most `limit` tokens; `encode`
// makes pieces of each. False: there is not one tab, or a text on one side of it without a token.
using Encode = std::function<void(std::string_view, std::vector<Piece>&)>;
bool encode_pair(std::string_view line, const Encode& encode, int64_t limit, std::vector<Piece>& out, bool& cut);
constexpr std::string_view kPairsExpected = "this run was trained on pairs; expected two texts with a tab between them";

// The pieces of a text that a person typed. Error{kConfig}: none, more than the model takes, no pair where it should be one. With `cut` a
// text that is too long is cut, and *cut is how many tokens it had; else it stays as it is.
std::vector<Piece> pieces_of(const Config& config, const Tokenizer& tokenizer, const std::string& text, int64_t* cut = nullptr);

// Appends the pieces of a text as a sequence, with [CLS] in front where the model has it, and what each head is asked of it: its masks,
// its next tokens, a tag for each token, or something of the whole.
void append_text(Batch& batch, std::string_view text, const std::vector<Piece>& pieces, const Config& config, int64_t labels);
void append_tokens(Batch& batch, std::span<const int32_t> ids, std::span<const int32_t> types, const Config& config,
                   int64_t labels);

// Probabilities of the classes: softmax(z), or σ(z) where several may hold.
std::vector<double> probabilities(std::span<const double> z, ObjectiveKind kind);
// Numbers of the `most` largest, falling; of equal ones the smallest number first.
std::vector<size_t> largest(const std::vector<double>& values, size_t most);
// Names of the classes of a head: tags, labels, or the tokens.
std::vector<std::string> class_names(ObjectiveKind kind, const Tokenizer& tokenizer, const Names& names);

// A run's model in an engine that reads batches of at most `batch_tokens` tokens on all threads of the configuration.
class TextModel {
 public:
  TextModel(const Run& run, int64_t batch_tokens);

  const Run& run() const { return run_; }
  Engine& engine() const { return *engine_; }
  const Tokenizer& tokenizer() const { return *run_.learned.tokenizer; }
  Names names() const { return {run_.learned.labels, run_.learned.tags}; }
  int64_t limit() const { return limit_; }                 // tokens of a text that the model takes, without [CLS]
  int64_t classes(size_t k) const { return classes_[k]; }  // of head k
  bool has(ObjectiveKind kind) const;

  // Its pieces up to the limit. With a masked_lm head "[MASK]" in it is the mask token; for others it is text, as in training. False:
  // it should be a pair and is none.
  bool encode(std::string_view text, std::vector<Piece>& out, bool& cut) const;
  void append(Batch& batch, std::string_view text, const std::vector<Piece>& pieces) const;
  void append(Batch& batch, std::span<const int32_t> ids) const;  // of one text
  // f(first, last) for parts of 0 … n, on all threads.
  void share(int64_t n, const std::function<void(int64_t, int64_t)>& f);

 private:
  const Run& run_;
  int64_t limit_;
  std::vector<int64_t> classes_;
  Workers workers_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace vitrine
