#pragma once
#include <cstddef>
#include <string>
#include <vector>

namespace vitrine {

// A text that sets values: the file (number 0) or one `--set` (1, 2, …, later ones win).
struct Source {
  std::string name;  // the file's path, or "--set"
  std::string text;
  std::string directory;  // of the file; data paths are relative to it; empty for --set: the working directory
};

// Bytes [begin, end) of a source; begin = end: the whole of it; source −1: nowhere.
struct Mark {
  int source = -1;
  size_t begin = 0, end = 0;
};

// Collects what is wrong with a configuration, so that all of it is shown at once.
class Diagnostics {
 public:
  int add(Source source);
  const Source& source(int i) const { return sources_[static_cast<size_t>(i)]; }

  void error(Mark place, std::string message, std::string help = {});
  void warn(Mark place, const std::string& message);
  bool failed() const { return !errors_.empty(); }
  bool full() const { return errors_.size() >= kMostShown; }
  const std::vector<std::string>& warnings() const { return warnings_; }

  std::string location(Mark place) const;  // trec.yaml:12:3 (column in characters), or --set
  std::string brief(Mark place) const;     // line 12, or --set
  int line(Mark place) const;              // from 1

  // Error{kConfig} with every error in the order of the file:
  //   trec.yaml:12:3: model.widht: unknown key
  //     12 |   widht: 128
  //        |   ^^^^^
  //   help: did you mean `width`?
  void throw_if_failed() const;

 private:
  struct Item {
    Mark place;
    std::string message, help;
  };
  static constexpr size_t kMostShown = 50;  // errors; of the rest only the number is said
  std::string excerpt(Mark place) const;

  std::vector<Source> sources_;
  std::vector<Item> errors_;
  size_t dropped_ = 0;
  std::vector<std::string> warnings_;
};

}  // namespace vitrine
