#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace vitrine {

// The sections `data:` and `tokenizer:` of a configuration. Paths are already relative to the working directory.
enum class DataKind { kText, kLines, kLabelledLines, kGrammar, kRandom };
enum class Encoding { kUtf8, kLatin1 };
enum class TokenizerKind { kCharacter, kByte, kWord };

// Where a split comes from: a file, or a share of the training file (the last, contiguous, of a text; random by seed otherwise).
struct SplitSource {
  std::string path;
  double share = 0;
  bool given() const { return !path.empty() || share > 0; }
  bool operator==(const SplitSource&) const = default;
};

struct DataSettings {
  DataKind kind = DataKind::kLines;
  std::string train;
  SplitSource validation, test;
  int64_t max_length = 128;  // tokens of a sequence; longer ones are cut, and it is said how many
  Encoding encoding = Encoding::kUtf8;
  // grammar and random
  int64_t train_sentences = 20000, validation_sentences = 2000, test_sentences = 2000;
  // grammar
  std::string grammar;  // the grammar file
  // random
  int64_t vocabulary_size = 0, length = 0;  // V, special tokens included; tokens of every sequence
  int64_t classes = 0;                      // labels, when they are asked for
  bool operator==(const DataSettings&) const = default;
};

struct TokenizerSettings {
  TokenizerKind kind = TokenizerKind::kWord;
  bool lowercase = false;
  int64_t min_count = 1;  // rarer words are [UNK]
  int64_t max_size = 0;   // words kept, the most frequent first; 0: all
  bool operator==(const TokenizerSettings&) const = default;
};

// What a sequence is asked for; made from the `objective:` section.
enum class TargetKind { kMasked, kNext, kLabel };
struct TargetSettings {
  TargetKind kind = TargetKind::kMasked;
  double rate = 0.15;        // kMasked: max(1, round(rate·T)) tokens of a sequence
  bool prepend_cls = false;  // [CLS] stands in front
};

}  // namespace vitrine
