#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/tokenizer.h"
#include "inspect/attention_maps.h"
#include "inspect/attention_view.h"
#include "inspect/link_test.h"

namespace vitrine {

// A sentence whose attention is recorded, and, where it comes from a corpus that knows it, what its answer depends on.
enum class TokenKind { kNormal, kSpecial, kMasked };
struct RecordedLink {
  std::string name, value, pair_value, pair;  // "copied name", "greta", "jim", the text of the minimal pair
  double chance = 0;                          // attention on the sources of a row that looks at all alike
  bool operator==(const RecordedLink&) const = default;
};
struct RecordedSentence {
  ShownSentence shown;
  std::vector<TokenKind> kinds;  // [n]
  std::vector<int64_t> words;    // [n] ascending from 0: the word that a token is a piece of
  std::optional<RecordedLink> link;
  std::string note;  // "'zebra' is read as [UNK]"
  bool operator==(const RecordedSentence&) const = default;
};
// Pieces of words that stand together: "##" (word_piece) and what has no space before it (Ġ in byte_pair; characters) goes on with a word.
std::vector<int64_t> words_of(const Tokenizer& tokenizer, std::span<const int32_t> ids);

// What the heads do with one sentence at one step.
struct SentenceRecord {
  AttentionMaps maps;
  std::optional<LinkMove> move;  // with a link
};

// The folder attention/ of a run directory:
//   index.json                 layers, heads, the sentences; written before the first step
//   step-00000050.safetensors  after step 50: sentences.<k>.weights F32 [L,H,n,n], rows are queries, columns keys; with a link
//                              sentences.<k>.moves F32 [L,H] LD_h − LD and sentences.<k>.pair_move F32 [1] LD_pair − LD
// Each file is there whole or not at all. Errors: Error{kCheckpoint}, naming the file.
class Recording {
 public:
  // For writing. Steps after `step` go: they belong to a training that this one, resumed, replaces. A recording of other sentences or of
  // another model goes altogether, and `restarted()` says so.
  Recording(std::string folder, int64_t layers, int64_t heads, std::vector<RecordedSentence> sentences, int64_t step);
  static std::optional<Recording> open(const std::string& folder);  // for reading; none: nothing was recorded

  int64_t layers() const { return layers_; }
  int64_t heads() const { return heads_; }
  const std::vector<RecordedSentence>& sentences() const { return sentences_; }
  bool restarted() const { return restarted_; }
  std::vector<int64_t> steps() const;  // ascending; damaged ones too
  int64_t bytes_of_step() const;       // of the numbers of one step

  void write(int64_t step, const std::vector<SentenceRecord>& records) const;
  std::vector<SentenceRecord> read(int64_t step) const;

 private:
  Recording() = default;
  std::string path_of(int64_t step) const;

  std::string folder_;
  int64_t layers_ = 0, heads_ = 0;
  std::vector<RecordedSentence> sentences_;
  bool restarted_ = false;
};

}  // namespace vitrine
