#pragma once
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/loader.h"
#include "train/engine.h"

namespace vitrine {

// Real models whose parameters are set by hand, so that what each head does is known. In the residual stream token t is a 1 in column t,
// position p one in column kPosition + p, a token that block 0 found before this one in kPrevious + t, an answer in kAnswer + t.
//   copier   masked_lm, 1 block, sentences "name filler filler [MASK]": what stands in for [MASK] is the name
//     0.0 copies: [MASK] looks at the names and writes which it sees       0.1 a decoy: looks just the same and writes nothing
//     0.2 dead: looks at all alike and writes nothing                      0.3 looks at the token before, and writes what nobody reads
//   twins    the same, but 0.3 copies too, and each of the two writes half
//   inducer  causal_lm, 2 blocks: 0.0 writes the token before beside each token, 1.0 looks where the token before is the present one and answers
//     with what stands there; the others are dead
enum class Circuit { kCopier, kTwins, kInducer };
struct HandMade {
  static constexpr int32_t kNames = 4, kFillers = 8, kKinds = 4;  // four tokens of each, behind the special ones
  static constexpr int64_t kVocabulary = 12, kLongest = 12, kWidth = 48, kHeads = 4;

  EngineSettings settings;
  std::unique_ptr<Engine> engine;
  Corpus corpus;
  std::unique_ptr<Dataset> data;
  std::unique_ptr<Collator> collator;
};
HandMade make_by_hand(Circuit circuit, Precision precision, int64_t sentences = 40);

}  // namespace vitrine
