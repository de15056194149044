#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "data/dataset.h"
#include "support/temporary_folder.h"

namespace vitrine {

// Settings over files of a temporary folder.
struct Files {
  TemporaryFolder folder;
  DataSettings data;
  TokenizerSettings tokenizer{TokenizerKind::kWord};
  TargetSettings target{TargetKind::kMasked, 0.15, false};

  explicit Files(DataKind kind, std::string_view train = {}) {
    data.kind = kind;
    if (!train.empty()) data.train = write("train.txt", train);
  }
  std::string write(const std::string& name, std::string_view text) const {
    write_file_atomically(folder / name, text);
    return folder / name;
  }
  Corpus load(uint64_t seed = 1) const { return load_corpus(data, tokenizer, {target}, seed); }
};

inline std::string text_of(const Corpus& corpus, const Dataset& split, int64_t i, int64_t shift = 0) {
  Example e;
  split.read(i, e, shift);
  return corpus.tokenizer->decode(e.tokens);
}

inline std::vector<std::string> texts_of(const Corpus& corpus, const Dataset& split) {
  std::vector<std::string> out;
  for (int64_t i = 0; i < split.size(); ++i) out.push_back(text_of(corpus, split, i));
  return out;
}

}  // namespace vitrine
