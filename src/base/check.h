#pragma once
#include <cstdio>
#include <cstdlib>
#include <source_location>

namespace vitrine {

// For our own mistakes, never for a user's: what is checked here cannot be false whatever the input. Ends the program.
inline void check(bool condition, const char* rule, std::source_location at = std::source_location::current()) {
  if (condition) [[likely]]
    return;
  std::fprintf(stderr, "vitrine: internal error: %s (%s:%u)\n", rule, at.file_name(), static_cast<unsigned>(at.line()));
  std::abort();
}

}  // namespace vitrine
