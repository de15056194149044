#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "data/text_file.h"

namespace vitrine {

// Which columns of a file hold a word and its tag, from 0, and what stands between columns.
struct Columns {
  int64_t token = 0, tag = 0;
  bool tabs = false;  // else runs of white space
};

struct TaggedWord {
  std::string_view word, tag;
};

// A sentence of tagged files: views into them. In columns it is a block of lines; of parallel files it is a line of each.
struct TaggedSentence {
  std::string_view words, tags, label;  // in columns no tags
  bool in_columns = false;
  Columns columns = {};

  void read(std::vector<TaggedWord>& out) const;
};

// A file of one word a line with its tag in another column, and an empty line behind each sentence (Tjong Kim Sang and De Meulder 2003).
// Columns are parted by tabs where any line has one, else by white space, and every line has as many. Left out are lines that begin
// with -DOCSTART- and, among lines with tabs, comments: lines without any that begin with #. A tag column of −1 is the last. Error{kData}
// names file and line.
std::vector<TaggedSentence> read_columns(const TextFile& file, int64_t token, int64_t tag);

// Parallel files: line i holds the words of sentence i, as many tags, and its label. Lines that are empty in all of them are left out.
// Without labels: null. Error{kData} names file and line of what does not fit.
std::vector<TaggedSentence> read_parallel(const TextFile& words, const TextFile& tags, const TextFile* labels);

}  // namespace vitrine
