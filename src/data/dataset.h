#pragma once
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/links.h"
#include "data/settings.h"
#include "data/text_file.h"
#include "data/tokenizer.h"

namespace vitrine {

// Instead of a tag's number: nothing to predict (a later piece of a word).
constexpr int32_t kNoTag = -1;
// A tag that only other splits have, number u of Corpus::unknown_tags: −2 − u. It has no loss and counts as wrong.
constexpr int32_t unknown_tag(int32_t u) { return -2 - u; }

struct Example {
  std::vector<int32_t> tokens;  // at most max_length
  std::vector<int32_t> types;   // empty: all 0
  int32_t label = -1;           // class; −1: none, or unknown in training
  int32_t next = -1;            // a text: the token after the last, so that every position has something to predict
  int32_t masked = -1;          // grammar: the one position that is masked; −1: masking decides
  std::vector<int32_t> tags;    // [T] tag of each token, or one of the two above; empty: no tags
  std::vector<int32_t>
      labels;  // data with several labels: those that hold, ascending; a −1 in front for each that training lacks
  double value = std::numeric_limits<double>::quiet_NaN();  // a number to predict, as it stands in the file; NaN: none
  std::string_view text;      // that the pieces stand in, until this thread reads again; empty where there is none
  std::vector<Piece> pieces;  // where the tokens stand in the text

  void clear();  // keeps the memory
};

// One split: examples by number. Reading is const and may be done from several threads; nothing is kept but an index, so a large
// mapped file costs no memory.
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual int64_t size() const = 0;
  virtual int64_t length(int64_t i) const = 0;  // tokens of example i (before [CLS])
  // `shift` moves the cuts of a text by that many tokens (0 ≤ shift < window()), so that epochs cut differently: sequence i is the
  // tail of window i from `shift` on and the head of window i+1. Lengths stay as they are: near the end, where there is no such
  // window, it moves by less. Other data ignore it.
  virtual int64_t window() const { return 1; }
  virtual void read(int64_t i, Example& out, int64_t shift = 0) const = 0;
  virtual std::vector<Link> links(int64_t) const { return {}; }
  // Tags, as in Example, of the words that max_length cut off, in order: what was cut counts as wrong.
  virtual std::vector<int32_t> cut_tags(int64_t) const { return {}; }
  // The least mean loss that a model can have on what is asked of example i: grammar: −log p(masked token | rest); task: 0; else −1.
  virtual double entropy(int64_t) const { return -1; }
};

// What the limits did, over all splits; said before training.
struct CutReport {
  int64_t sequences_cut = 0, tokens_cut = 0;
  int64_t links_lost = 0;          // a source or the target was cut off, or training lacks an answer
  int64_t unknown_labels = 0;      // labels of sequences of validation and test that the training split lacks
  int64_t unknown_tags = 0;        // words of validation and test with a tag that the training split lacks
  int64_t loose_tags = 0;          // words whose tag I-x stands behind none of B-x and I-x
  std::string first_loose_tag;     // file and line of the first
  int64_t rows_without_text = 0;   // of a table; they are left out
  std::string first_without_text;  // file and line of the first
};

// What a number is predicted as: (value − mean) / deviation, both of the training split.
struct ValueScale {
  double mean = 0, deviation = 1;
};

struct Corpus {
  std::vector<std::unique_ptr<TextFile>> files;  // that the splits look into
  std::unique_ptr<Tokenizer> tokenizer;
  std::vector<std::string> labels;        // of sequences, one or several each; sorted
  std::vector<std::string> tags;          // of tokens, sorted
  std::vector<std::string> unknown_tags;  // that validation or test have and training lacks
  std::optional<ValueScale> scale;        // of numbers, where they are asked for
  std::vector<LinkClass> link_classes;
  std::unique_ptr<Dataset> train, validation, test;  // validation and test may be null
  CutReport cut;
  int64_t shortest = 0, longest = 0;                    // over all splits, with [CLS]
  const Dataset* split(const std::string& name) const;  // train | validation | test; null where there is none
};

// What an earlier run has learned.
struct Learned {
  std::unique_ptr<Tokenizer> tokenizer;
  std::vector<std::string> labels, tags;
  std::optional<ValueScale> scale;
};
// Reads, splits, learns the tokenizer, labels and tags from the training split (or takes those of an earlier run). One target for each
// objective. Error{kData} names file and line. A split that is asked for has at least one sequence, and every sequence at least one token.
Corpus load_corpus(const DataSettings& data, const TokenizerSettings& tokenizer, const std::vector<TargetSettings>& targets,
                   uint64_t seed, Learned learned = {});

}  // namespace vitrine
