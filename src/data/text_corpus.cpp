#include <algorithm>
#include <utility>

#include "base/error.h"
#include "data/corpora.h"
#include "data/offset_list.h"

namespace vitrine {
namespace {

// A split of a text: pieces of one or more files, one after the other. Each stands behind the others in one stream of bytes.
class Stream {
 public:
  void add(std::string_view text) { parts_.push_back({text, size_}), size_ += text.size(); }
  size_t size() const { return size_; }

  struct Part {
    std::string_view text;
    size_t begin;  // in the stream
  };
  const std::vector<Part>& parts() const { return parts_; }

  Stream slice(size_t begin, size_t end) const {
    Stream out;
    for (const Part& part : parts_) {
      const size_t from = std::clamp(begin, part.begin, part.begin + part.text.size()) - part.begin;
      const size_t to = std::clamp(end, part.begin, part.begin + part.text.size()) - part.begin;
      if (from < to) out.add(part.text.substr(from, to - from));
    }
    return out;
  }

  // Where the first `share` ends: at white space if there is some soon, so that no word is cut, and between characters.
  size_t cut(double share) const {
    const auto offset = std::min(static_cast<size_t>(share * static_cast<double>(size_)), size_);
    for (const Part& part : parts_)
      if (offset < part.begin + part.text.size()) return part.begin + cut(part.text, offset - part.begin);
    return size_;
  }

 private:
  static size_t cut(std::string_view text, size_t offset) {
    for (size_t at = offset; at < std::min(offset + 256, text.size()); ++at)
      if (text[at] == ' ' || text[at] == '\n') return at;
    size_t at = offset;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
    return at;
  }

  std::vector<Part> parts_;
  size_t size_ = 0;
};

// Tokens in windows of L: window i of a part holds its tokens i·L … i·L + L − 1, the last one what is left. Kept is where each
// window begins: at which byte the tokenizer can start, and how many pieces from there belong to the window before. The tokens are made
// when they are read.
class TextDataset final : public Dataset {
 public:
  TextDataset(Stream stream, const Tokenizer& tokenizer, int64_t limit)
      : stream_(std::move(stream)), tokenizer_(tokenizer), limit_(limit) {
    const size_t most = stream_.size() / static_cast<size_t>(limit_) + stream_.parts().size();  // not touched, so not yet memory
    begins_.reserve(most);
    std::vector<Piece> pieces;
    for (const Stream::Part& part : stream_.parts()) {
      Windows windows{part, 0, 0};
      int64_t total = 0, next = 0;  // tokens; where the next window begins
      for (size_t at = 0, from; at < part.text.size();) {
        pieces.clear();
        size_t bytes = 0;
        tokenizer_.encode_part(rest(part, from = at), bytes, pieces);
        at += bytes;
        for (; next < total + std::ssize(pieces); next += limit_) {
          begins_.push_back(part.begin + from);
          if (next > total && skips_.empty()) skips_.resize(most);  // zeros
          if (next > total) skips_[size() - 1] = static_cast<uint16_t>(next - total);
        }
        total += std::ssize(pieces);
      }
      windows.end = size();
      windows.last_length = total - (next - limit_);
      if (total > 0) windows_.push_back(windows);
    }
  }

  int64_t size() const override { return begins_.size(); }
  int64_t length(int64_t i) const override {
    const Windows& part = windows_of(i);
    return i + 1 < part.end ? limit_ : part.last_length;
  }
  int64_t window() const override { return limit_; }

  void read(int64_t i, Example& out, int64_t shift) const override {
    out.clear();
    const Windows& part = windows_of(i);
    if (i + 1 == part.end) shift = 0;
    if (i + 2 == part.end) shift = std::min(shift, part.last_length);
    const int64_t length = this->length(i);
    if (!skips_.empty()) shift += skips_[i];
    out.text = rest(part.part, begins_[i] - part.part.begin);
    tokenizer_.encode(out.text, out.pieces, shift + length + 1);
    out.pieces.erase(out.pieces.begin(), out.pieces.begin() + shift);
    for (const Piece& piece : out.pieces) out.tokens.push_back(piece.id);
    if (static_cast<int64_t>(out.tokens.size()) > length) {
      out.next = out.tokens.back();
      out.tokens.pop_back(), out.pieces.pop_back();
    }
  }

 private:
  struct Windows {
    Stream::Part part;
    int64_t end;  // number of the first window behind this part
    int64_t last_length;
  };
  const Windows& windows_of(int64_t i) const {
    return *std::upper_bound(windows_.begin(), windows_.end(), i, [](int64_t n, const Windows& w) { return n < w.end; });
  }
  static std::string_view rest(const Stream::Part& part, size_t at) {
    return part.text.substr(at, 0xFFFFFFFF);  // offsets of pieces have 32 bits
  }

  Stream stream_;
  const Tokenizer& tokenizer_;
  int64_t limit_;
  OffsetList begins_;
  std::vector<uint16_t> skips_;  // a part has fewer than 2^16 pieces; empty where each has one, as with characters
  std::vector<Windows> windows_;
};

}  // namespace

Corpus load_text_corpus(const DataSettings& data, const TokenizerSettings& settings, const std::vector<TargetSettings>& targets,
                        Learned learned) {
  Corpus corpus;
  const auto open = [&](const std::string& path) {
    Stream stream;
    for (const std::string& file : expand_path(path)) {
      corpus.files.push_back(std::make_unique<TextFile>(file, data.encoding));
      stream.add(corpus.files.back()->text());
    }
    return stream;
  };
  const Stream all = open(data.train);
  const double test_share = data.test.path.empty() ? data.test.share : 0;
  const double validation_share = data.validation.path.empty() ? data.validation.share : 0;
  const auto part = [&](const SplitSource& source, double first, double last) {
    if (!source.path.empty()) return open(source.path);
    return all.slice(all.cut(first), last >= 1 ? all.size() : all.cut(last));
  };
  const double kept = 1 - validation_share - test_share;
  const Stream train = kept < 1 ? all.slice(0, all.cut(kept)) : all;

  corpus.tokenizer = std::move(learned.tokenizer);
  if (!corpus.tokenizer) {
    const auto builder = make_tokenizer_builder(settings);
    for (const Stream::Part& text : train.parts()) builder->add(text.text);
    corpus.tokenizer = builder->build();
  }
  const auto make = [&](Stream stream, const char* key, const std::string& path) {
    auto split = std::make_unique<TextDataset>(std::move(stream), *corpus.tokenizer, token_limit(data, targets));
    if (split->size() == 0) {
      if (path.empty()) fail(ErrorKind::kData, "{}: the share of {}: no text", key, data.train);
      fail(ErrorKind::kData, "{}: no text", path);
    }
    return split;
  };
  corpus.train = make(train, "data.train", data.train);
  if (data.validation.given())
    corpus.validation = make(part(data.validation, kept, 1 - test_share), "data.validation", data.validation.path);
  if (data.test.given()) corpus.test = make(part(data.test, 1 - test_share, 1), "data.test", data.test.path);
  return corpus;
}

}  // namespace vitrine
