#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vitrine::labs {

enum class Use { kInput, kSet, kAdd, kChange, kNumber };  // written as -, set, add, change, and a name without a shape

struct Argument {
  std::string name;
  Use use = Use::kInput;
  std::vector<std::string> rows, cols;  // factors: names of sizes, or whole numbers
  bool is_output() const { return use == Use::kSet || use == Use::kAdd || use == Use::kChange; }
};

struct Function {
  std::string name;
  std::vector<Argument> arguments;
  const Argument* find(std::string_view argument) const;
};

// A change of the right source that makes a known mistake of it.
struct Mistake {
  std::string what;                                          // ends the sentence "this is what comes out when …"
  std::string read;                                          // a line of the derivation, word by word
  std::vector<std::pair<std::string, std::string>> changes;  // old text, which stands there exactly once, and new text
};

// What is drawn for an argument in a case of large numbers: times `factor`, plus `shift`.
struct Extreme {
  std::string argument;
  double factor = 1, shift = 0;
};

// One page of text that describes a lab: src/labs/README.md says how it is written.
struct Description {
  std::string name, title, source, page, teaches;
  std::vector<std::string> after;  // labs that it builds on
  int64_t minutes = 0;
  std::vector<Function> functions;  // forward, then backward if there is one
  std::vector<Mistake> mistakes;
  std::vector<Extreme> extremes;
  std::vector<std::pair<std::string, std::vector<double>>> numbers;  // what a number is in the cases, in turn
  std::vector<std::string> positive;                                 // arguments that are never negative
  std::vector<std::pair<std::string, std::string>> classes;  // arguments that are whole numbers from −1 up to below a size
};

// Error{kInternal} names the line that is not understood.
Description read_description(std::string_view name, std::string_view text);

}  // namespace vitrine::labs
