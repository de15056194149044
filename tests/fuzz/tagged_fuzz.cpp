#include "data/tagged_file.h"
#include "fuzz/fuzz.h"

using namespace vitrine;

namespace {

void read_all(const TextFile& file, const std::vector<TaggedSentence>& sentences) {
  std::vector<TaggedWord> words;
  for (const TaggedSentence& sentence : sentences) {
    words.clear();
    sentence.read(words);
    fuzz::require(!words.empty(), "a sentence has a word");
    for (const TaggedWord& word : words) {
      fuzz::require(!word.word.empty() && file.holds(word.word.data()), "a word stands in its file");
      fuzz::require(!word.tag.empty(), "a word has a tag");
    }
  }
}

}  // namespace

// Columns of one file, or parallel files: what stands before the first byte 1, before the second, and behind it.
int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const fuzz::Input input(data, size);
  fuzz::accepts([&] {
    if (input.choice % 2 == 0) {
      const TextFile file("columns", input.bytes, Encoding::kUtf8);
      read_all(file, read_columns(file, input.choice / 2 % 4, input.choice / 8 % 5 - 1));
      return;
    }
    const size_t first = std::min(input.bytes.find('\1'), input.bytes.size());
    const size_t second = std::min(input.bytes.find('\1', first + 1), input.bytes.size());
    const auto part = [&](size_t from, size_t to) { return from < to ? input.bytes.substr(from, to - from) : std::string(); };
    const TextFile words("words", part(0, first), Encoding::kUtf8), tags("tags", part(first + 1, second), Encoding::kUtf8);
    const TextFile labels("labels", part(second + 1, input.bytes.size()), Encoding::kUtf8);
    read_all(words, read_parallel(words, tags, input.choice & 2 ? &labels : nullptr));
  });
  return 0;
}
