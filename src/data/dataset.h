#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/links.h"
#include "data/settings.h"
#include "data/tokenizer.h"

namespace vitrine {

struct Example {
  std::vector<int32_t> tokens;  // at most max_length
  std::vector<int32_t> types;   // empty: all 0
  int32_t label = -1;           // class; −1: none, or unknown in training
  int32_t next = -1;            // a text: the token after the last, so that every position has something to predict
  int32_t masked = -1;          // grammar: the one position that is masked; −1: masking decides
};

// One split: examples by number. Reading is const and may be done from several threads; nothing is kept but an index, so a large
// mapped file costs no memory.
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual int64_t size() const = 0;
  virtual int64_t length(int64_t i) const = 0;  // tokens of example i (before [CLS])
  // `shift` moves the cuts of a text by that many tokens (0 ≤ shift < max_length), so that epochs cut differently.
  virtual void read(int64_t i, Example& out, int64_t shift = 0) const = 0;
  virtual std::vector<Link> links(int64_t) const { return {}; }
  virtual double entropy(int64_t) const { return -1; }  // grammar: −log p(masked token | rest), exact; else −1
};

// What the limits did, said before training.
struct CutReport {
  int64_t sequences_cut = 0, tokens_cut = 0, links_lost = 0, unknown_labels = 0;
};

struct Corpus {
  std::unique_ptr<Tokenizer> tokenizer;
  std::vector<std::string> labels;  // of classes, sorted
  std::vector<LinkClass> link_classes;
  std::unique_ptr<Dataset> train, validation, test;  // validation and test may be null
  CutReport cut;
  int64_t shortest = 0, longest = 0;                    // over all splits, with [CLS]
  const Dataset* split(const std::string& name) const;  // train | validation | test; null where there is none
};

// Reads, splits, learns the tokenizer (or takes a given one, and given labels, of an earlier run). Error{kData} names file and line.
struct Learned {
  std::unique_ptr<Tokenizer> tokenizer;
  std::vector<std::string> labels;
};
Corpus load_corpus(const DataSettings& data, const TokenizerSettings& tokenizer, const TargetSettings& target, uint64_t seed,
                   Learned learned = {});

}  // namespace vitrine
