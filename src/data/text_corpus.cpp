#include <algorithm>
#include <utility>

#include "base/error.h"
#include "data/corpora.h"
#include "data/utf8.h"

namespace vitrine {
namespace {

// One stream of tokens in windows of L: window i holds tokens i·L … i·L + L − 1. Kept is the byte where each window begins; the
// tokens are made when they are read.
class TextDataset final : public Dataset {
 public:
  TextDataset(std::string_view text, const Tokenizer& tokenizer, int64_t limit)
      : text_(text), tokenizer_(tokenizer), limit_(limit) {
    std::vector<Piece> pieces;
    for (size_t at = 0;;) {
      pieces.clear();
      tokenizer_.encode(rest(at), pieces, limit_);
      if (pieces.empty()) break;
      begins_.push_back(at);
      last_length_ = static_cast<int64_t>(pieces.size());
      at += pieces.back().end;
    }
  }

  int64_t size() const override { return static_cast<int64_t>(begins_.size()); }
  int64_t length(int64_t i) const override { return i + 1 < size() ? limit_ : last_length_; }
  int64_t window() const override { return limit_; }

  void read(int64_t i, Example& out, int64_t shift) const override {
    out.clear();
    if (i + 1 == size()) shift = 0;
    if (i + 2 == size()) shift = std::min(shift, last_length_);
    const int64_t length = this->length(i);
    tokenizer_.encode(rest(begins_[i]), out.pieces, shift + length + 1);
    out.pieces.erase(out.pieces.begin(), out.pieces.begin() + shift);
    for (const Piece& piece : out.pieces) out.tokens.push_back(piece.id);
    if (static_cast<int64_t>(out.tokens.size()) > length) {
      out.next = out.tokens.back();
      out.tokens.pop_back(), out.pieces.pop_back();
    }
  }

 private:
  std::string_view rest(size_t at) const { return text_.substr(at, 0xFFFFFFFF); }  // offsets of pieces have 32 bits

  std::string_view text_;
  const Tokenizer& tokenizer_;
  int64_t limit_, last_length_ = 0;
  std::vector<uint64_t> begins_;
};

// Where the first `share` of a text ends: at white space if there is some soon, so that no word is cut, and between characters.
size_t cut_at(std::string_view text, double share) {
  const auto cut = std::min(static_cast<size_t>(share * static_cast<double>(text.size())), text.size());
  for (size_t at = cut; at < std::min(cut + 256, text.size()); ++at)
    if (text[at] == ' ' || text[at] == '\n') return at;
  size_t at = cut;
  while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
  return at;
}

}  // namespace

Corpus load_text_corpus(const DataSettings& data, const TokenizerSettings& settings, const TargetSettings& target,
                        Learned learned) {
  Corpus corpus;
  const auto open = [&](const std::string& path) {
    corpus.files.push_back(std::make_unique<TextFile>(path, data.encoding));
    return corpus.files.back()->text();
  };
  std::string_view train = open(data.train), validation, test;
  const auto part = [&](const SplitSource& source, double first, double last) {  // of the training text
    if (!source.path.empty()) return open(source.path);
    const size_t begin = cut_at(train, first), end = last >= 1 ? train.size() : cut_at(train, last);
    return train.substr(begin, end - begin);
  };
  const double test_share = data.test.path.empty() ? data.test.share : 0;
  const double validation_share = data.validation.path.empty() ? data.validation.share : 0;
  const double kept = 1 - validation_share - test_share;
  if (data.validation.given()) validation = part(data.validation, kept, 1 - test_share);
  if (data.test.given()) test = part(data.test, 1 - test_share, 1);
  if (kept < 1) train = train.substr(0, cut_at(train, kept));

  corpus.tokenizer = std::move(learned.tokenizer);
  if (!corpus.tokenizer) {
    const auto builder = make_tokenizer_builder(settings);
    builder->add(train);
    corpus.tokenizer = builder->build();
  }
  const auto make = [&](std::string_view text, const char* key, const std::string& path) {
    auto split = std::make_unique<TextDataset>(text, *corpus.tokenizer, token_limit(data, target));
    if (split->size() == 0) {
      if (path.empty()) fail(ErrorKind::kData, "{}: the share of {}: no text", key, data.train);
      fail(ErrorKind::kData, "{}: no text", path);
    }
    return split;
  };
  corpus.train = make(train, "data.train", data.train);
  if (data.validation.given()) corpus.validation = make(validation, "data.validation", data.validation.path);
  if (data.test.given()) corpus.test = make(test, "data.test", data.test.path);
  return corpus;
}

}  // namespace vitrine
