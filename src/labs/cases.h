#pragma once
#include <string>
#include <vector>

#include "labs/lab.h"
#include "labs/sandbox.h"

namespace vitrine::labs {

// What a number that nobody wrote holds, bit by bit; it also stands around every matrix and between its rows.
double unwritten();
bool is_unwritten(double x);

enum class Kind {
  kWritten,   // outputs to be set hold what nobody wrote
  kExtreme,   // large numbers
  kHand,      // small enough to be followed by hand, numbers with one decimal
  kShape,     // odd sizes, gaps between rows
  kContract,  // outputs hold other numbers: are they set, or added to?
  kCost       // as large as a timing needs
};

// One call of one function with all its arguments. The matrices are the arguments that have a shape, in order.
struct Case {
  Kind kind = Kind::kHand;
  size_t function = 0;
  std::string sizes;  // "N = 2, D = 3, epsilon = 0.1"
  Question question;
  std::vector<const Argument*> matrices;
};

// The cases of all functions. Inputs of the backward function that the forward one has, too, are what the right forward function leaves.
// Numbers follow from the seed alone.
std::vector<Case> make_cases(const Lab& lab, uint64_t seed);
// One with these sizes in the order in which they first stand in the description; `step` tells random numbers of cases apart.
Case make_case(const Lab& lab, size_t function, Kind kind, const std::vector<int64_t>& sizes, uint64_t seed, uint32_t step,
               const Extreme* extreme = nullptr);

// The memory behind a call of a variant of the lab's own: 0 the right one, 1 + m mistake m.
std::vector<double> run_variant(const Lab& lab, size_t variant, const Case& c);

// The word of entry (i, j) of a matrix in the memory.
inline size_t word(const Case& c, size_t matrix, int64_t i, int64_t j) {
  return static_cast<size_t>(c.question.at[matrix] + i * c.question.views[matrix].stride + j);
}

}  // namespace vitrine::labs
