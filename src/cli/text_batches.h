#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/text_model.h"
#include "data/line_stream.h"

namespace vitrine {

// One line of the input.
struct Text {
  std::string_view text;
  std::vector<Piece> pieces;  // at most the model's limit
  int64_t line = 0;           // from 1
  int64_t sequence = -1;      // its number in the batch; −1: it has no token and is not in it
  bool cut = false;
  bool wrong = false;  // it is no pair
};

// A line without a token: its answer is empty, which is said once; or it is an error.
enum class EmptyLines { kEmpty, kRefused };

// All lines of a file, or of standard input ("-"), as batches in their order, in memory that does not grow with it: what predict and
// embed run on. That a line was cut is said once.
// A line that should be a pair and is none is an Error{kData}, after those before it.
class TextBatches {
 public:
  static constexpr int64_t kTokens = 1 << 14;   // of a batch
  static constexpr int64_t kNumbers = 1 << 22;  // of its logits

  TextBatches(TextModel& model, const std::string& path, EmptyLines empty = EmptyLines::kEmpty);
  bool next();  // false: the end
  // Of the batch at hand; valid until the next one.
  std::span<const Text> texts() const { return std::span(texts_).subspan(first_, last_ - first_); }
  const Batch& batch() const { return batch_; }
  const std::string& name() const { return lines_.name(); }

 private:
  bool read_block();
  bool is_full() const;
  void say(const Text& text);

  TextModel& model_;
  LineStream lines_;
  EmptyLines empty_;
  std::vector<Text> texts_;  // of a block of lines
  size_t count_ = 0;         // of them
  size_t first_ = 0, last_ = 0;
  Batch batch_;
  bool said_cut_ = false, said_empty_ = false;
};

}  // namespace vitrine
