#pragma once
#include <cstdio>
#include <cstdlib>

namespace vitrine {

// For our own mistakes, never for a user's: what is checked here cannot be false whatever the input. Ends the program.
// (std::source_location would say where, but clang knows it only from version 16 on; GCC and clang both have the built-ins.)
inline void check(bool condition, const char* rule, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  if (condition) [[likely]]
    return;
  std::fprintf(stderr, "vitrine: internal error: %s (%s:%d)\n", rule, file, line);
  std::abort();
}

}  // namespace vitrine
