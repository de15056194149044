#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "labs/lab.h"
#include "labs/sandbox.h"

namespace vitrine::labs {

enum class Outcome { kPassed, kFailed, kNotReached };

// One check of a submission, from coarse to fine, and what it found.
struct Level {
  std::string name;
  Outcome outcome = Outcome::kNotReached;
  std::string says;  // of a failed one: sentences and matrices
};

// An output that is wrong, and the named mistakes that make exactly these numbers: none, where none does; several, where they cannot be told apart.
struct Finding {
  std::string function, output;
  std::vector<size_t> mistakes;  // of the lab's description
};

struct Report {
  const Lab* lab = nullptr;
  std::vector<Level> levels;
  std::vector<Finding> findings;
  bool empty = false;   // nothing has been written yet
  bool shut_in = true;  // the filter of system calls was there
  std::string printed;  // what the submission printed: never more than words
  bool passed() const;
  const Level* first_failed() const;  // null: none
};

// The names of the levels, in order.
const std::vector<std::string>& level_names();

// Builds the text of a submission and runs every check. `seed` draws the numbers.
class Workbench;
Report check_submission(const Workbench& workbench, const std::string& text, uint64_t seed = 1, const Limits& limits = {});

}  // namespace vitrine::labs
