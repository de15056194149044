#include "cli/text_batches.h"

#include <algorithm>

#include "base/error.h"
#include "base/log.h"

namespace vitrine {

TextBatches::TextBatches(TextModel& model, const std::string& path, EmptyLines empty)
    : model_(model), lines_(path, model.run().config.data.encoding), empty_(empty) {
  if (lines_.is_terminal()) log_info("one text a line; Ctrl-D ends");
}

bool TextBatches::next() {
  first_ = last_;
  if (first_ == count_ && !read_block()) return false;
  batch_.clear();
  for (; last_ < count_ && !is_full(); ++last_) {
    Text& text = texts_[last_];
    if (text.wrong && last_ > first_) break;  // what stands before it comes first
    say(text);
    if (text.pieces.empty()) continue;
    text.sequence = batch_.sequence_count();
    model_.append(batch_, text.text, text.pieces);
  }
  return true;
}

bool TextBatches::read_block() {
  const std::vector<std::string_view>& lines = lines_.next();
  count_ = lines.size();
  first_ = last_ = 0;
  texts_.resize(std::max(texts_.size(), count_));
  model_.share(std::ssize(lines), [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      Text& text = texts_[static_cast<size_t>(i)];
      text.text = lines[static_cast<size_t>(i)];
      text.line = lines_.first_line() + i;
      text.sequence = -1;
      text.pieces.clear();
      text.cut = false;
      text.wrong = !model_.encode(text.text, text.pieces, text.cut);
    }
  });
  return count_ > 0;
}

bool TextBatches::is_full() const {
  int64_t numbers = 0;
  for (size_t k = 0; k < batch_.targets.size(); ++k) numbers += std::ssize(batch_.targets[k].classes) * model_.classes(k);
  return batch_.size() >= kTokens || numbers >= kNumbers;
}

void TextBatches::say(const Text& text) {
  if (text.wrong) fail(ErrorKind::kData, "{}:{}: {}", lines_.name(), text.line, kPairsExpected);
  if (text.cut && !said_cut_)
    log_warning("{}:{}: has more than {} tokens and is cut there (data.max_length); so is every longer line", lines_.name(),
                text.line, model_.limit());
  if (text.pieces.empty() && empty_ == EmptyLines::kRefused)
    fail(ErrorKind::kData, "{}:{}: an empty line has no vectors\nhelp: leave the empty lines out", lines_.name(), text.line);
  if (text.pieces.empty() && !said_empty_)
    log_warning("{}:{}: an empty line; the answer to it, and to others like it, is empty", lines_.name(), text.line);
  said_cut_ |= text.cut, said_empty_ |= text.pieces.empty();
}

}  // namespace vitrine
